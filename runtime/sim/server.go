package sim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"weir/runtime/pacer"
)

const (
	// RequestIDHeader is the header of every answer to a POST that names its
	// [Request] in the log.
	RequestIDHeader = "X-Sim-Request-Id"

	clientIDHeader = "X-Request-Id"
	maxBody        = 256 << 20 // bytes
	maxKeptBody    = 1 << 20   // bytes; larger buffers are not kept for the next request
)

// bodies are buffers for the bodies of requests.
var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// Server is a running simulated service. It may be used from several goroutines.
type Server struct {
	cfg      Config
	faults   []string
	posts    map[string][]*dialect // by path; several are told apart by the body
	pages    map[string]page
	paths    []string // of both, for those who look for others
	words    *words
	engine   *engine
	prefixes *prefixCache // nil: none
	profiler *profiler    // nil: none
	counters *counters
	log      Log
	requests atomic.Uint64
	// intake has a place for everyone who may work on the body of a request at
	// the same time. When many come at once they wait here, and not in front of
	// the processors, where the sending of events would have to queue behind them.
	intake chan struct{}

	listener net.Listener
	http     *http.Server
	cancel   context.CancelFunc // ends all requests, and then the server
	pacers   []*pacer.Pacer
	active   sync.WaitGroup // the accept loop, connections, requests
	closed   chan struct{}  // closed when nothing is left; closeErr is final then
	closeErr error
}

// Start starts a service. It runs until [Server.Close] or until ctx is done.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configure the simulated service: %w", err)
	}
	if cfg.CountTokens == nil {
		cfg.CountTokens = EstimateTokens
	}
	if cfg.Vocabulary == nil {
		cfg.Vocabulary = defaultVocabulary
	}
	if cfg.Encode == nil {
		cfg.Encode = EstimateIDs
	}
	cfg.CountTokens = newTokenCounter(cfg.CountTokens).tokens
	s := &Server{
		cfg: cfg, words: newWords(cfg.Vocabulary), counters: newCounters(), prefixes: newPrefixCache(&cfg),
		intake: make(chan struct{}, runtime.GOMAXPROCS(0)), closed: make(chan struct{}),
	}
	s.route()
	s.log.limit = cfg.LogRequests
	s.faults, _ = parseFaults(cfg.Fault) // validated above

	l, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("start the simulated service on %s: %w; choose another port, or 0 for a free one", cfg.Addr, err)
	}
	s.listener = listener{l}
	if cfg.LogFile != "" {
		if s.log.file, err = openLogFile(cfg.LogFile); err != nil {
			l.Close()
			return nil, err
		}
	}
	s.engine = startEngine(&s.cfg)
	// One pacer sends some 100,000 events a second; half of the processors are for
	// the rest of the work.
	for range max(1, runtime.GOMAXPROCS(0)/2) {
		p, err := pacer.New()
		if err != nil {
			l.Close()
			return nil, errors.Join(fmt.Errorf("start the simulated service: %w", err), s.release())
		}
		s.pacers = append(s.pacers, p)
		s.engine.pacers = append(s.engine.pacers, p)
	}

	base, cancel := context.WithCancel(ctx)
	s.cancel = cancel
	s.http = &http.Server{
		Handler:     http.HandlerFunc(s.serve),
		BaseContext: func(net.Listener) context.Context { return base },
		ConnContext: withConnection,
		ConnState:   s.count,
		ErrorLog:    slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	s.active.Add(1)
	go func() {
		defer s.active.Done()
		// It returns when shutDown closes the listener.
		_ = s.http.Serve(s.listener)
	}()
	context.AfterFunc(base, s.shutDown)
	return s, nil
}

// URL is the base of all paths, such as http://127.0.0.1:8000.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() }

// Log is what the server did. It can be read during and after the run.
func (s *Server) Log() *Log { return &s.log }

// Close ends all requests and returns when the last one has ended. The error
// says whether the log file is incomplete.
func (s *Server) Close() error {
	s.cancel()
	<-s.closed
	return s.closeErr
}

// shutDown runs once, when the server's context is done.
func (s *Server) shutDown() {
	defer close(s.closed)
	s.http.Close() // its error is that of the listener, which is of no use any more
	s.active.Wait()
	s.closeErr = s.release()
}

// release gives back what the server holds, when nobody uses it any more.
func (s *Server) release() error {
	var errs []error
	for _, p := range s.pacers {
		errs = append(errs, p.Close())
	}
	if s.log.file != nil {
		errs = append(errs, s.log.file.close())
	}
	return errors.Join(errs...)
}

// count keeps account of connections. A hijacked one stays with its request.
func (s *Server) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.active.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.active.Done()
	}
}

// serve routes a request. Errors of paths that are there have the form of their
// protocol, and those of others OpenAI's.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.active.Add(1) // safe beside Wait: the connection is counted already
	defer s.active.Done()
	w.Header().Set("Server", "weir-sim")
	path, model := pattern(r.URL.Path)
	if several := s.posts[path]; several != nil {
		if r.Method != http.MethodPost {
			notAllowed(w, r, several[0], http.MethodPost)
			return
		}
		s.serveReply(w, r, several, path, model)
		return
	}
	p, there := s.pages[path]
	switch {
	case !there:
		refuse(w, s.stranger(path), &apiError{
			status: http.StatusNotFound, kind: "NotFoundError",
			message: fmt.Sprintf("there is no %s; there are %s", r.URL.Path, strings.Join(s.paths, ", ")),
		})
	case r.Method != p.method && (p.method != http.MethodGet || r.Method != http.MethodHead):
		notAllowed(w, r, openAI, p.method)
	case p.serve != nil:
		p.serve(w, r)
	default:
		p.show(w, model)
	}
}

// stranger is the dialect in which a path is refused that is not there.
func (s *Server) stranger(path string) *dialect {
	if several := s.posts["/v2/models/{model}/generate"]; several != nil && strings.HasPrefix(path, "/v2") {
		return several[0]
	}
	return openAI
}

func notAllowed(w http.ResponseWriter, r *http.Request, d *dialect, method string) {
	w.Header().Set("Allow", method)
	refuse(w, d, &apiError{
		status: http.StatusMethodNotAllowed, kind: "MethodNotAllowedError",
		message: fmt.Sprintf("%s does not take %s; use %s", r.URL.Path, r.Method, method),
	})
}

// serveReply takes a request from its body to its end in the log. It is in one of
// several dialects.
func (s *Server) serveReply(w http.ResponseWriter, r *http.Request, several []*dialect, path, model string) {
	buf := bodies.Get().(*bytes.Buffer)
	buf.Reset()
	defer func() {
		if buf.Cap() <= maxKeptBody {
			bodies.Put(buf)
		}
	}()
	_, err := buf.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody))
	conn := connectionOf(r)
	received := arrived(conn)
	seq := s.requests.Add(1)
	id := fmt.Sprintf("%016x", seq)
	w.Header().Set(RequestIDHeader, id)
	e := &entry{Request: Request{
		ID: id, ClientID: r.Header.Get(clientIDHeader), Path: r.URL.Path, Received: received, Queued: -1,
	}, ended: make(chan struct{})}
	s.log.add(e)
	finish := func(outcome Outcome) {
		s.counters.finished(outcome, e.FinishReason)
		if e.Queued >= 0 {
			s.counters.open.Add(-1)
		}
		s.log.finish(e, outcome)
	}

	d := choose(several, buf.Bytes())
	refused := func(failure *apiError) {
		if failure.status == http.StatusBadRequest && d.invalid != 0 {
			failure.status = d.invalid
		}
		e.set(func(r *Request) { r.Status = failure.status })
		finish(OutcomeRefused)
		refuse(w, d, failure)
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		refused(&apiError{status: http.StatusRequestEntityTooLarge, kind: "BadRequestError", message: fmt.Sprintf("the body is larger than %d bytes", maxBody)})
		return
	case err != nil: // the client went away while it sent
		finish(OutcomeAborted)
		panic(http.ErrAbortHandler)
	}
	fault, err := chooseFault(&s.cfg, s.faults, seq, r.Header)
	if err != nil {
		refused(badRequest("", "%v", err))
		return
	}
	e.set(func(r *Request) { r.Fault = fault.name })
	if s.spoil(w, r, e, d, fault) {
		outcome := OutcomeFault
		if r.Context().Err() != nil {
			outcome = OutcomeAborted
		}
		finish(outcome)
		return
	}

	req, err := s.read(d, incoming{body: buf.Bytes(), path: path, model: model})
	if err != nil {
		var failure *apiError
		errors.As(err, &failure) // it always is one
		refused(failure)
		return
	}
	e.set(func(r *Request) { r.Model, r.Stream, r.PromptTokens = req.model, req.stream, req.promptTokens })
	rep := layOut(req, &s.cfg, s.words, seq)
	e.expect(rep.total())
	rep.begin(id, received.Unix())
	st := &stream{
		ctx: r.Context(), w: w, flusher: http.NewResponseController(w), reply: rep, entry: e,
		counters: s.counters, fault: fault, lastSent: make([]time.Duration, len(rep.choices)),
		buf: make([]byte, frame, 512),
	}
	if req.stream {
		st.chunks = newChunker(conn, r.ProtoAtLeast(1, 1))
	}
	err = s.answer(st, seq)
	switch {
	case err == nil && (fault.name == faultNone || fault.name == faultTrickle):
		s.counters.times(rep, time.Since(received))
		finish(OutcomeCompleted)
	case err == nil || errors.Is(err, errFault):
		finish(OutcomeFault)
	default:
		finish(OutcomeAborted)
		panic(http.ErrAbortHandler) // no proper end for what was not sent to its end
	}
}

// read reads a request, when it has its turn. The error is always an *apiError.
func (s *Server) read(d *dialect, in incoming) (*request, error) {
	s.intake <- struct{}{}
	defer func() { <-s.intake }()
	req, err := d.parse(in, &s.cfg)
	if err != nil {
		return nil, err
	}
	req.dialect = d
	return req, nil
}

// longParse is how long the reading of a body may take out of the time to the first
// token.
const longParse = 50 * time.Millisecond

// answer runs a request through the engine and sends what comes out.
func (s *Server) answer(st *stream, seq uint64) error {
	req := st.reply.req
	if req.stream {
		// As vLLM does: the head comes at once, also while the request queues.
		setStreamType(st.w, req.dialect)
		st.w.WriteHeader(http.StatusOK)
		if err := st.flusher.Flush(); err != nil {
			return err
		}
		st.entry.set(func(r *Request) { r.Status = http.StatusOK })
		if err := st.open(); err != nil {
			return err
		}
	}
	// A body with images in it takes a while to be read: a service begins after that.
	received := st.entry.Received
	if now := time.Now(); now.Sub(received) > longParse {
		received = now
	}
	j := job{
		seq: seq, timing: newTiming(&s.cfg, seq), received: received,
		promptTokens: req.promptTokens, lengths: st.reply.lengths(),
		slow: st.fault.name != faultNone, // some of them wait
	}
	cacheable := s.prefixes != nil && req.pooling == nil && len(req.sequences) == req.prompts
	var whole []*sequence
	if cacheable {
		whole = st.reply.whole()
	}
	started := func(at time.Time) int {
		if cacheable {
			st.reply.cached = s.prefixes.findPrompts(req)
		}
		s.counters.open.Add(1)
		s.counters.promptTokens.Add(int64(req.promptTokens))
		st.reply.queued = at.Sub(st.entry.Received)
		st.entry.set(func(r *Request) { r.Queued, r.CachedTokens = st.reply.queued, st.reply.cached })
		return st.reply.cached
	}
	// before keeps the replies when their last tokens are about to be sent, so that the
	// next question finds them.
	before := func(emit func(step, bool) error) func(step, bool) error {
		longest := slices.Max(j.lengths)
		return func(p step, wait bool) error {
			if p.to >= longest {
				for _, w := range whole {
					s.prefixes.keep(w)
				}
			}
			return emit(p, wait)
		}
	}
	if req.stream {
		if err := s.engine.run(st.ctx, j, started, before(st.step)); err != nil {
			return err
		}
		return st.end()
	}
	note := func(p step, _ bool) error {
		st.reply.tick(p.from, p.due.Sub(st.entry.Received))
		return nil
	}
	if err := s.engine.run(st.ctx, j, started, before(note)); err != nil {
		return err
	}
	return st.sendWhole(st.reply.due)
}

// spoil answers a request whose fault comes before any work is done on it, and
// says whether it did.
func (s *Server) spoil(w http.ResponseWriter, r *http.Request, e *entry, d *dialect, f fault) bool {
	status := func(code int) { e.set(func(r *Request) { r.Status = code }) }
	switch f.name {
	case faultError500:
		status(http.StatusInternalServerError)
		refuse(w, d, &apiError{status: http.StatusInternalServerError, kind: "InternalServerError", message: "simulated: internal server error"})
	case faultError429:
		status(http.StatusTooManyRequests)
		w.Header().Set("Retry-After", "1")
		refuse(w, d, &apiError{status: http.StatusTooManyRequests, kind: "RateLimitError", message: "simulated: too many requests"})
	case faultHTML:
		status(http.StatusOK)
		respond(w, http.StatusOK, "text/html; charset=utf-8", []byte(htmlPage))
	case faultNoAnswer:
		<-r.Context().Done()
		_ = hangUp(w, false) // the client is gone, or the server closes
	case faultStall:
		status(http.StatusOK)
		setStreamType(w, d)
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush() // it fails when the client is gone: so is the wait
		<-r.Context().Done()
		_ = hangUp(w, false) // the client is gone, or the server closes
	default:
		return false
	}
	return true
}

// setStreamType sets the content type of a dialect's streams. One that names none
// keeps net/http from guessing.
func setStreamType(w http.ResponseWriter, d *dialect) {
	if d.contentType == "" {
		w.Header()["Content-Type"] = nil
		return
	}
	w.Header().Set("Content-Type", d.contentType)
}

func refuse(w http.ResponseWriter, d *dialect, failure *apiError) {
	contentType := "application/json"
	if failure.event {
		contentType = d.contentType
	}
	respond(w, failure.status, contentType, d.refuse(nil, failure))
}

func respond(w http.ResponseWriter, status int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(body) // it fails when the client is gone, who then needs no answer
}
