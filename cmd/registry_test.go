package cmd

import (
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"

	memory "github.com/google/go-containerregistry/pkg/registry"
	"github.com/rogpeppe/go-internal/testscript"
)

// registryServer is an OCI registry in memory, which also serves the script's files
// below /files/ and counts what is asked.
type registryServer struct {
	server *httptest.Server
	asked  atomic.Int64
}

// registryCommand starts one ("registry start"), or one that speaks TLS with a certificate
// of the authority ca.pem, and wants the login me, geheim ("registry tls"); sets REGISTRY
// to its host:port. "registry stop" ends it, "registry asked N" wants N requests since the
// last time.
func registryCommand(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, "registry start|tls|stop, registry asked N")
	s := stateOf(ts)
	switch args[0] {
	case "start", "tls":
		r := &registryServer{}
		handler := memory.New(memory.Logger(log.New(io.Discard, "", 0)))
		files := http.StripPrefix("/files/", http.FileServer(http.Dir(ts.MkAbs("."))))
		secured := args[0] == "tls"
		r.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
			r.asked.Add(1)
			if user, password, _ := request.BasicAuth(); secured && (user != "me" || password != "geheim") {
				w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			if strings.HasPrefix(request.URL.Path, "/files/") {
				files.ServeHTTP(w, request)
				return
			}
			handler.ServeHTTP(w, request)
		}))
		r.server.Config.ErrorLog = log.New(io.Discard, "", 0)
		if secured {
			r.server.StartTLS()
			certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.server.Certificate().Raw})
			ts.Check(os.WriteFile(ts.MkAbs("ca.pem"), certificate, 0o644))
		} else {
			r.server.Start()
		}
		s.registry = r
		ts.Defer(r.server.Close)
		ts.Setenv("REGISTRY", r.server.Listener.Addr().String())
	case "stop":
		s.registry.server.Close()
	case "asked":
		need(ts, neg, args, 2, "registry asked N")
		if got, want := s.registry.asked.Swap(0), number(ts, args[1]); got != int64(want) {
			ts.Fatalf("the registry was asked %d times, want %d", got, want)
		}
	}
}
