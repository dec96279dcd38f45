package transport

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// tlsConfig is how TLS is spoken with a host; what o says of trust is read from
// its files.
func (o Options) tlsConfig(host string, roots *x509.CertPool) (*tls.Config, error) {
	config := newTLSConfig(host, roots)
	config.InsecureSkipVerify = o.Insecure
	if o.ServerName != "" {
		config.ServerName = o.ServerName
	}
	if o.ClientCert == "" {
		if o.ClientKey != "" {
			return nil, errors.New("option clientKey: a key without a certificate; give that with clientCert")
		}
		return config, nil
	}
	certificate, err := loadClientCert(o.ClientCert, o.ClientKey)
	if err != nil {
		return nil, err
	}
	// Always the same one: whether it suits the service is for the service to say.
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return certificate, nil }
	return config, nil
}

func newTLSConfig(host string, roots *x509.CertPool) *tls.Config {
	return &tls.Config{
		ServerName:         host,
		RootCAs:            roots,
		ClientSessionCache: tls.NewLRUClientSessionCache(0),
		NextProtos:         []string{"http/1.1"},
	}
}

// loadRoots is what the system trusts and the certificates of a file; nil, which
// is the system's alone, for no file.
func loadRoots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	blocks, err := loadPEM("ca", file)
	if err != nil {
		return nil, err
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool() // a system that trusts nobody
	}
	found := 0
	for _, b := range blocks {
		if b.Type != typeCertificate {
			continue
		}
		certificate, err := x509.ParseCertificate(b.Bytes)
		if err != nil {
			return nil, fmt.Errorf("option ca: certificate %d of %s cannot be read: %w", found+1, file, err)
		}
		roots.AddCert(certificate)
		found++
	}
	if found == 0 {
		return nil, fmt.Errorf("option ca: there is no certificate in %s, but %s", file, kinds(blocks))
	}
	return roots, nil
}

const typeCertificate = "CERTIFICATE"

// loadClientCert reads a certificate and its key, which are in one file when
// keyFile is "".
func loadClientCert(certFile, keyFile string) (*tls.Certificate, error) {
	certs, err := loadPEM("clientCert", certFile)
	if err != nil {
		return nil, err
	}
	keys, keyOption := certs, "clientCert"
	if keyFile == "" {
		keyFile = certFile
	} else if keys, err = loadPEM("clientKey", keyFile); err != nil {
		return nil, err
	} else {
		keyOption = "clientKey"
	}
	if !has(certs, isCertificate) {
		hint := ""
		if keyOption == "clientKey" && has(keys, isCertificate) {
			hint = "; are clientCert and clientKey exchanged?"
		}
		return nil, fmt.Errorf("option clientCert: there is no certificate in %s, but %s%s", certFile, kinds(certs), hint)
	}
	switch {
	case has(keys, isEncrypted):
		return nil, fmt.Errorf("option %s: the private key in %s is encrypted, and there is no way to give its password; "+
			"decrypt it into a file that only you can read: openssl pkey -in %[2]s -out key.pem", keyOption, keyFile)
	case !has(keys, isKey) && keyOption == "clientCert":
		return nil, fmt.Errorf("option clientCert: there is no private key in %s; give the file that has it with clientKey", certFile)
	case !has(keys, isKey):
		return nil, fmt.Errorf("option clientKey: there is no private key in %s, but %s", keyFile, kinds(keys))
	}
	certificate, err := tls.X509KeyPair(join(certs, isCertificate), join(keys, isKey))
	switch {
	case err != nil && strings.Contains(err.Error(), "does not match"):
		return nil, fmt.Errorf("option %s: the private key in %s is not that of the first certificate in %s; "+
			"the client's own certificate comes first in its file, and those of authorities after it", keyOption, keyFile, certFile)
	case err != nil:
		return nil, fmt.Errorf("option clientCert: the certificate of %s and the key of %s cannot be used: %w", certFile, keyFile, err)
	}
	return &certificate, nil
}

func isCertificate(b *pem.Block) bool { return b.Type == typeCertificate }

func isKey(b *pem.Block) bool {
	return b.Type == "PRIVATE KEY" || strings.HasSuffix(b.Type, " PRIVATE KEY")
}

// isEncrypted knows the form of PKCS #8, and the old one with fields (RFC 1421).
func isEncrypted(b *pem.Block) bool {
	return b.Type == "ENCRYPTED PRIVATE KEY" || isKey(b) && strings.Contains(b.Headers["Proc-Type"], "ENCRYPTED")
}

func has(blocks []*pem.Block, is func(*pem.Block) bool) bool {
	for _, b := range blocks {
		if is(b) {
			return true
		}
	}
	return false
}

func join(blocks []*pem.Block, is func(*pem.Block) bool) (text []byte) {
	for _, b := range blocks {
		if is(b) {
			text = append(text, pem.EncodeToMemory(b)...)
		}
	}
	return text
}

// kinds says what is in a file: "1 × PRIVATE KEY".
func kinds(blocks []*pem.Block) string {
	var names []string
	number := map[string]int{}
	for _, b := range blocks {
		if number[b.Type]++; number[b.Type] == 1 {
			names = append(names, b.Type)
		}
	}
	for i, name := range names {
		names[i] = fmt.Sprintf("%d × %s", number[name], name)
	}
	return strings.Join(names, ", ")
}

// loadPEM reads the blocks of a file, of which there must be one.
func loadPEM(option, file string) (blocks []*pem.Block, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		var path *fs.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		return nil, fmt.Errorf("option %s: cannot read %s: %w", option, file, err)
	}
	for {
		var b *pem.Block
		if b, text = pem.Decode(text); b == nil {
			break
		}
		blocks = append(blocks, b)
	}
	if len(blocks) == 0 {
		return nil, fmt.Errorf("option %s: there is no PEM text (-----BEGIN …-----) in %s; "+
			"openssl converts other forms: openssl x509 -inform der, openssl pkey -inform der, openssl pkcs12 -nodes", option, file)
	}
	return blocks, nil
}

// untrusted is what can be done about a service's certificate that is not trusted.
func untrusted(err error) string {
	var name x509.HostnameError
	var authority x509.UnknownAuthorityError
	switch {
	case errors.As(err, &name):
		return "; if this is the right service, give the name that its certificate has with the option serverName, or use the option insecure"
	case errors.As(err, &authority):
		return "; give its issuer's with the option ca, add it to this machine's trusted ones, or use the option insecure"
	}
	return "; the option insecure goes without"
}

// unwanted is what can be done when the service has refused this end's
// certificate by a TLS alert (RFC 8446, section 6.2).
func unwanted(err error) string {
	text := err.Error()
	if !strings.Contains(text, "remote error") {
		return ""
	}
	for _, alert := range []string{"certificate required", "bad certificate", "unknown certificate", "expired certificate", "revoked certificate"} {
		if strings.Contains(text, alert) {
			return "; the service wants a client certificate that it trusts: see the options clientCert and clientKey"
		}
	}
	return ""
}
