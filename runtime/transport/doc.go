// Package transport carries requests to a service and brings back its answer
// while it arrives: connections, the HTTP exchange, and the framing of event
// streams.
//
// A request goes through it in this order: [Clients.Client] finds the client
// of a service, which all equal endpoints share; [Client.Send] takes a kept
// connection or dials one, stamps the start, writes the request and reads the
// response head; the returned [Exchange] gives the body as it comes, and
// [Scanner] cuts it into events. Each read of the connection stamps the time
// at which its data arrived ([Exchange.Arrival]).
//
// How a service is reached is in [Options]: certificates (trust.go), and an HTTP
// proxy (proxy.go, tunnel.go), behind which a connection still is one of
// package wire, so that its stamps are there. A [Signer] signs each request before
// its clock starts. No error of the package has a password in it, or the value of
// a field such as Authorization.
//
// The heads of HTTP are fasthttp's; bodies are read in place (body.go), as events
// are too small for a buffer more. The package knows nothing of tokens or of the meaning of events.
package transport
