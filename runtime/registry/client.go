package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"oras.land/oras-go/v2/registry"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
	"oras.land/oras-go/v2/registry/remote/retry"
)

// Client speaks with registries and web servers. Its fields are set before it is used;
// then any goroutine may call its methods.
type Client struct {
	// PlainHTTP: registries are spoken with without TLS. nil: those on this machine only.
	PlainHTTP *bool
	UserAgent string
	MaxSize   int64  // of a bundle that is fetched, bytes
	Cache     *Cache // where it is kept
	// Moved is told how many of a bundle's bytes have been sent or fetched, of how many; of
	// is -1 where nobody knows. nil: nobody wants to know.
	Moved func(done, of int64)
}

// answerLimit is how long a server may take to begin an answer. A registry works out the
// digest of a large bundle meanwhile.
const answerLimit = 5 * time.Minute

// askLimit is how long a question may take that moves no bundle, with all attempts.
const askLimit = time.Minute

// httpClient uses the proxies that the environment names, and trusts what the system
// does, or SSL_CERT_FILE. What failed for a moment is tried again.
func httpClient() *http.Client {
	base := http.DefaultTransport.(*http.Transport).Clone()
	base.ResponseHeaderTimeout = answerLimit
	return &http.Client{Transport: retry.NewTransport(base)}
}

// repository is where r points, with the credentials that are kept for its host.
func (c *Client) repository(r Reference) (*remote.Repository, error) {
	client, err := c.authorized()
	if err != nil {
		return nil, err
	}
	return &remote.Repository{
		Client:           client,
		Reference:        registry.Reference{Registry: r.Host, Repository: r.Repository},
		PlainHTTP:        c.plain(r.Host),
		MaxMetadataBytes: maxManifest,
		TagListMaxPages:  10,
	}, nil
}

func (c *Client) plain(host string) bool {
	if c.PlainHTTP != nil {
		return *c.PlainHTTP
	}
	return IsLoopback(host)
}

// authorized is a client that logs in where a registry asks for it.
func (c *Client) authorized() (*auth.Client, error) {
	store, err := openLogins()
	if err != nil {
		return nil, err
	}
	lookup := credentials.Credential(store)
	client := &auth.Client{
		Client: httpClient(),
		Cache:  auth.NewCache(),
		Credential: func(ctx context.Context, host string) (auth.Credential, error) {
			found, err := lookup(ctx, host)
			if err != nil && ctx.Err() == nil {
				err = &Error{
					Problem: fmt.Sprintf("the credentials for %s cannot be looked up: %s", host, oneLine(err)),
					Hint:    "credHelpers or credsStore in " + store.ConfigPath() + " name the program that keeps them, docker-credential-NAME",
					cause:   err,
				}
			}
			return found, err
		},
	}
	client.SetUserAgent(c.UserAgent)
	return client, nil
}

// errStalled ends a transfer in which nothing moves.
var errStalled = errors.New("nothing has moved for too long")

const stallLimit = time.Minute
