package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"weir/modules/llm/probe"
	"weir/runtime/sign"
	"weir/runtime/transport"
)

func probeCommand() *cobra.Command {
	var f probeFlags
	cmd := &cobra.Command{
		Use:   "probe URL",
		Short: "Find out what a service speaks, and how to run against it",
		Long: `Find out which server answers at a URL, which models it serves and which of weir's
backends it speaks, and print the command line of the static benchmark for it. The
URL is the service's base, or that of one of its requests. A service gets a dozen
small requests, one after another, the largest for 32 tokens.

Keys are better given by the variables WEIR_API_KEY, WEIR_APP_CODE and
WEIR_AUTH_TOKEN than by flags, which other users of the machine can see.`,
		Example: `  weir probe http://127.0.0.1:8000
  weir probe https://gateway.example/v1/infers/123/v1/chat/completions --json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("weir probe takes the URL of one service, such as http://127.0.0.1:8000; %d were given", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			f.config.URL = args[0]
			return f.run(cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&f.config.APIKey, "api-key", "", "sent as header Authorization: Bearer (anthropic: X-Api-Key)")
	fs.StringVar(&f.config.AppCode, "app-code", "", "sent as header X-Apig-AppCode")
	fs.StringVar(&f.config.AuthToken, "auth-token", "", "sent as header X-Auth-Token")
	fs.Var(&f.header, "header", "another header of every request; may be given several times")
	fs.StringVar(&f.config.Model, "model", "", "model to ask for (default: the first one that the service names)")
	fs.BoolVar(&f.config.Options.Insecure, "insecure", false, "accept a TLS certificate that cannot be verified")
	fs.StringVar(&f.config.Options.CA, "ca", "", "file with certificates of authorities to trust besides the system's (PEM)")
	fs.StringVar(&f.config.Options.ClientCert, "client-cert", "", "file with the certificate to show to a service that asks for one (PEM)")
	fs.StringVar(&f.config.Options.ClientKey, "client-key", "", "file with its private key (default: it is in --client-cert)")
	fs.StringVar(&f.config.Options.Proxy, "proxy", "", "HTTP proxy; environment takes HTTP_PROXY, HTTPS_PROXY and NO_PROXY")
	fs.StringVar(&f.accessKey, "access-key", "", "access key (AK) of Huawei Cloud: requests are signed")
	fs.StringVar(&f.secretKey, "secret-key", "", "its secret key (SK)")
	fs.StringVar(&f.securityToken, "security-token", "", "of temporary keys")
	fs.DurationVar(&f.config.Timeout, "timeout", 10*time.Second, "limit of one request")
	fs.BoolVar(&f.config.All, "all", false, "try every backend, also when one works already")
	fs.BoolVar(&f.json, "json", false, "print the result as JSON")
	return cmd
}

// probeFlags are the flags of weir probe.
type probeFlags struct {
	config                              probe.Config
	accessKey, secretKey, securityToken string
	header                              headerFlags
	json                                bool
}

func (f *probeFlags) run(stdout, stderr io.Writer) error {
	if f.config.Timeout <= 0 {
		return &exitError{exitConfig, errors.New("--timeout must be more than 0")}
	}
	if f.header.err != nil {
		return &exitError{exitConfig, fmt.Errorf("--header: %w", f.header.err)}
	}
	ctx, release := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer release()
	clients := transport.NewClients(nil, nil)
	defer clients.Close()

	c := f.config
	keys := map[string]*string{"WEIR_ACCESS_KEY": &f.accessKey, "WEIR_SECRET_KEY": &f.secretKey, "WEIR_SECURITY_TOKEN": &f.securityToken, "WEIR_PROXY": &c.Options.Proxy}
	for variable, value := range map[string]*string{"WEIR_API_KEY": &c.APIKey, "WEIR_APP_CODE": &c.AppCode, "WEIR_AUTH_TOKEN": &c.AuthToken} {
		keys[variable] = value
	}
	for variable, value := range keys {
		if *value == "" {
			*value = os.Getenv(variable)
		}
	}
	if f.accessKey != "" || f.secretKey != "" {
		signer, err := sign.NewHuaweiCloud(f.accessKey, f.secretKey, f.securityToken)
		if err != nil {
			return &exitError{exitConfig, err}
		}
		c.Signer, c.Secrets = signer, []string{f.secretKey, f.securityToken}
	}
	c.Header, c.UserAgent, c.Progress = f.header.list, "weir/"+version, stderr
	result, err := probe.Run(ctx, clients, c)
	if ctx.Err() != nil {
		fmt.Fprintln(stderr)
		return &exitError{exitInterrupted, errors.New("interrupted")}
	}
	var unusable *probe.Error
	if err != nil && !errors.As(err, &unusable) {
		return &exitError{exitConfig, err}
	}
	if f.json {
		if err := printJSON(stdout, result, unusable); err != nil {
			return &exitError{exitFault, err}
		}
	} else if unusable == nil {
		fmt.Fprintln(stderr)
		result.Report(stdout)
	}
	if unusable != nil {
		return &exitError{exitFault, unusable}
	}
	return nil
}

// printJSON prints what was found out, and what kept more from being found out.
func printJSON(w io.Writer, r *probe.Result, unusable *probe.Error) error {
	document := struct {
		*probe.Result
		Failure *probe.Error `json:"failure,omitempty"`
	}{r, unusable}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(document)
}

// headerFlags is the value of --header. What is wrong with it is kept until later:
// the message of a flag's own error would show the value, which may be a secret.
type headerFlags struct {
	list []transport.Header
	err  error
}

func (v *headerFlags) String() string { return "" }

func (v *headerFlags) Set(text string) error {
	name, value, found := strings.Cut(text, "=")
	name = strings.TrimSpace(name)
	if !found {
		v.err = errors.New("expected name=value")
	} else if err := transport.CheckHeader(name, value); err != nil {
		v.err = err
	}
	v.list = append(v.list, transport.Header{Name: name, Value: value})
	return nil
}

func (v *headerFlags) Type() string { return "name=value" }
