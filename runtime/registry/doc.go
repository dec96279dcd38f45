// Package registry passes scenarios on: it sends bundles to OCI registries, the ones
// that keep container images, fetches them from there and from web servers, and keeps
// what was fetched.
//
// In a registry a scenario is an artifact of one layer, which is the .weir file as it
// is (artifact.go). A [Reference] says where: oci://host/team/scenario, with a tag, which
// may mean something else tomorrow, or with a digest, which never does. A [Link] is the
// same for a web server: an address with the file's checksum. A [Client] pushes and
// pulls (push.go, pull.go, download.go), with the credentials that docker, oras and weir
// login keep (login.go). What went wrong is an [*Error], with what to do about it (fault.go).
//
// What was fetched is in a [Cache], by its content (cache.go): what a digest names is
// taken from there without the network. Everything is checked against its digest when it
// arrives, and again when it is taken from the cache; sizes are bounded before anything is
// read. The package does not look into bundles, and runs nothing.
package registry
