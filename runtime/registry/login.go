package registry

import (
	"context"
	"errors"
	"fmt"

	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
	"oras.land/oras-go/v2/registry/remote/errcode"
)

// openLogins opens docker's configuration, in which docker, oras and weir keep
// credentials, or the names of programs that do: config.json in the folder DOCKER_CONFIG,
// or ~/.docker.
func openLogins() (*credentials.DynamicStore, error) {
	store, err := credentials.NewStoreFromDocker(credentials.StoreOptions{AllowPlaintextPut: true})
	if err != nil {
		return nil, &Error{Problem: "the credentials cannot be read: " + oneLine(err), Hint: "config.json is in ~/.docker, or in the folder that DOCKER_CONFIG names", cause: err}
	}
	return store, nil
}

// Login checks a user's password, or token, with a registry and keeps it, where docker
// keeps them, too. It returns the file in which they are, or which names the program that
// keeps them.
func (c *Client) Login(ctx context.Context, host, user, password string) (file string, err error) {
	doing := "logging in to " + host
	at, err := c.registry(host)
	if err != nil {
		return "", explain(err, doing, host)
	}
	store, err := openLogins()
	if err != nil {
		return "", explain(err, doing, host)
	}
	ctx, end := context.WithTimeout(ctx, askLimit)
	defer end()
	err = credentials.Login(ctx, store, at, auth.Credential{Username: user, Password: password})
	var refused *errcode.ErrorResponse
	switch {
	case errors.As(err, &refused) && (refused.StatusCode == 401 || refused.StatusCode == 403):
		return "", &Error{Doing: doing, Problem: fmt.Sprintf("%s does not accept this user and password", host), Hint: "some registries want a token in place of the password, or a long user name: see docs/registry.md", cause: err}
	case err != nil:
		return "", explain(err, doing, host)
	}
	return store.ConfigPath(), nil
}

// Logout forgets the credentials for a registry; was tells whether there were any.
func (c *Client) Logout(ctx context.Context, host string) (was bool, err error) {
	doing := "logging out of " + host
	if _, err := c.registry(host); err != nil {
		return false, explain(err, doing, host)
	}
	store, err := openLogins()
	if err != nil {
		return false, explain(err, doing, host)
	}
	kept, err := credentials.Credential(store)(ctx, host)
	if err == nil {
		err = credentials.Logout(ctx, store, host)
	}
	if err != nil {
		return false, explain(err, doing, host)
	}
	return kept != auth.EmptyCredential, nil
}

// registry is the registry at a host.
func (c *Client) registry(host string) (*remote.Registry, error) {
	at, err := remote.NewRegistry(host)
	if err != nil {
		return nil, err
	}
	if at.Client, err = c.authorized(); err != nil {
		return nil, err
	}
	at.PlainHTTP = c.plain(host)
	return at, nil
}
