package cmd

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"weir/modules/llm/probe"
	"weir/runtime/sign"
	"weir/runtime/transport"
)

// serviceFlags are the flags by which weir probe and weir doctor reach a service.
type serviceFlags struct {
	config                              probe.Config
	accessKey, secretKey, securityToken string
	header                              headerFlags
}

func (f *serviceFlags) set(fs *pflag.FlagSet) {
	c := &f.config
	fs.StringVar(&c.APIKey, "api-key", "", "sent as header Authorization: Bearer (anthropic: X-Api-Key)")
	fs.StringVar(&c.AppCode, "app-code", "", "sent as header X-Apig-AppCode")
	fs.StringVar(&c.AuthToken, "auth-token", "", "sent as header X-Auth-Token")
	fs.Var(&f.header, "header", "another header of every request; may be given several times")
	fs.StringVar(&c.Model, "model", "", "model to ask for (default: the first one that the service names)")
	fs.StringVar(&c.Backend, "backend", "", "the only backend to try (default: those that the service may speak)")
	fs.BoolVar(&c.Options.Insecure, "insecure", false, "accept a TLS certificate that cannot be verified")
	fs.StringVar(&c.Options.CA, "ca", "", "file with certificates of authorities to trust besides the system's (PEM)")
	fs.StringVar(&c.Options.ClientCert, "client-cert", "", "file with the certificate to show to a service that asks for one (PEM)")
	fs.StringVar(&c.Options.ClientKey, "client-key", "", "file with its private key (default: it is in --client-cert)")
	fs.StringVar(&c.Options.Proxy, "proxy", "", "HTTP proxy; environment takes HTTP_PROXY, HTTPS_PROXY and NO_PROXY")
	fs.StringVar(&f.accessKey, "access-key", "", "access key (AK) of Huawei Cloud: requests are signed")
	fs.StringVar(&f.secretKey, "secret-key", "", "its secret key (SK)")
	fs.StringVar(&f.securityToken, "security-token", "", "of temporary keys")
	fs.DurationVar(&c.Timeout, "timeout", 10*time.Second, "limit of one request")
}

// resolve completes the flags from the environment. The error is an *exitError.
func (f *serviceFlags) resolve() (probe.Config, error) {
	c := f.config
	if c.Timeout <= 0 {
		return c, &exitError{exitConfig, errors.New("--timeout must be more than 0")}
	}
	if f.header.err != nil {
		return c, &exitError{exitConfig, fmt.Errorf("--header: %w", f.header.err)}
	}
	for variable, value := range map[string]*string{
		"WEIR_API_KEY": &c.APIKey, "WEIR_APP_CODE": &c.AppCode, "WEIR_AUTH_TOKEN": &c.AuthToken, "WEIR_PROXY": &c.Options.Proxy,
		"WEIR_ACCESS_KEY": &f.accessKey, "WEIR_SECRET_KEY": &f.secretKey, "WEIR_SECURITY_TOKEN": &f.securityToken,
	} {
		if *value == "" {
			*value = os.Getenv(variable)
		}
	}
	if f.accessKey != "" || f.secretKey != "" {
		signer, err := sign.NewHuaweiCloud(f.accessKey, f.secretKey, f.securityToken)
		if err != nil {
			return c, &exitError{exitConfig, err}
		}
		c.Signer, c.Secrets = signer, []string{f.secretKey, f.securityToken}
	}
	c.Header, c.UserAgent = f.header.list, "weir/"+version
	return c, nil
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
