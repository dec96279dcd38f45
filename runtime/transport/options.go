package transport

// Options are the ways of reaching a service that need a client of their own.
// The zero value goes straight to it and trusts what the system trusts. Equal
// options share a client, and so its connections. The files that they name are
// read once, when the client is made, and only for a service (or a proxy) with
// TLS. In messages the options have the names that scripts give them: insecure,
// ca, clientCert, clientKey, serverName, proxy.
type Options struct {
	// Insecure leaves the service's certificate unverified. A proxy's is always
	// verified, since it is sent a password.
	Insecure bool

	// CA is a file with certificates of authorities, in PEM form. They are trusted
	// besides those of the system, for the service and for an https proxy; "" is none.
	CA string

	// ClientCert and ClientKey are files with the certificate (and those between it
	// and its authority, in this order) that is shown to a service which asks for
	// one, and its private key, in PEM form, the key not encrypted. One file may
	// hold both: then ClientKey is "". A service without TLS gets neither.
	ClientCert, ClientKey string

	// ServerName is the name that the service's certificate must have and that TLS
	// asks the service for (SNI), where it is not the URL's host; "" is that. It
	// does not change the Host field.
	ServerName string

	// Proxy is the URL of an HTTP proxy, http or https, with a user and a password
	// for Basic authentication if it wants them: http://user:password@host:port.
	// What is no letter or digit in these must be percent-encoded. "" goes
	// straight to the service, whatever the environment says; "environment" takes
	// HTTP_PROXY, HTTPS_PROXY and NO_PROXY (or their lower-case forms) as Go
	// programs do: never for this machine itself (localhost, 127.0.0.0/8, ::1).
	//
	// A service with TLS is reached through a tunnel (CONNECT), one without by
	// requests in absolute form (RFC 9112, section 3.2.2). Clients that are
	// redirected to the simulator use none.
	Proxy string
}

// FromEnvironment is the value of Options.Proxy that takes the proxy from the environment.
const FromEnvironment = "environment"
