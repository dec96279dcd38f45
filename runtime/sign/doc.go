// Package sign signs requests: it makes the fields that prove to a service who
// sends a request, where a fixed field such as an API key does not do.
//
// A signer is a [transport.Signer], which is called for each request just before
// it is sent. The package sends nothing and keeps no state between requests; it
// does not look up or renew credentials.
package sign
