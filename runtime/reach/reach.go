// Package reach is the options of weir/llm, weir/http and weir/profile by which a service is
// reached: certificates, proxies, and signed requests.
package reach

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dop251/goja"

	"weir/runtime/sign"
	"weir/runtime/transport"
)

// Options are those that a script has given. The zero value is that none was. It
// belongs to one goroutine.
type Options struct {
	transport.Options

	accessKey, secretKey, securityToken string
}

// Set lists the options' names, each with the function that takes its value.
func (o *Options) Set() map[string]func(goja.Value) error {
	text := func(into *string) func(goja.Value) error {
		return func(v goja.Value) error {
			s, ok := scalar(v).(string)
			if !ok {
				return errors.New("it is no text") // and may be a secret
			}
			*into = s
			return nil
		}
	}
	return map[string]func(goja.Value) error{
		"insecure": func(v goja.Value) (err error) {
			var ok bool
			if o.Insecure, ok = scalar(v).(bool); !ok {
				err = fmt.Errorf("%s is neither true nor false", v)
			}
			return err
		},
		"ca":            text(&o.CA),
		"clientCert":    text(&o.ClientCert),
		"clientKey":     text(&o.ClientKey),
		"serverName":    text(&o.ServerName),
		"proxy":         text(&o.Proxy),
		"accessKey":     text(&o.accessKey),
		"secretKey":     text(&o.secretKey),
		"securityToken": text(&o.securityToken),
	}
}

// Secrets are those of the options that nobody should read in a message.
func (o *Options) Secrets() []string { return []string{o.secretKey, o.securityToken} }

// Signer returns what signs the requests that have these headers; nil: nothing does.
func (o *Options) Signer(headers []transport.Header) (transport.Signer, error) {
	switch {
	case o.accessKey == "" && o.secretKey == "" && o.securityToken == "":
		return nil, nil
	case o.accessKey == "" || o.secretKey == "":
		return nil, errors.New("options accessKey and secretKey: a signature needs both")
	}
	for _, h := range headers {
		if strings.EqualFold(h.Name, "Authorization") {
			return nil, fmt.Errorf("options accessKey and secretKey: the signature goes into the header %s, which is set already (apiKey, headers)", h.Name)
		}
	}
	return sign.NewHuaweiCloud(o.accessKey, o.secretKey, o.securityToken)
}

// scalar is a value as Go has it; nil for objects, which may be as large as a script likes.
func scalar(v goja.Value) any {
	if _, isObject := v.(*goja.Object); isObject {
		return nil
	}
	return v.Export()
}
