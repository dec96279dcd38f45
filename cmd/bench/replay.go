//go:build linux

package main

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// replay is the process of a service that answers every request with the same stream, which
// is written once: the least that a service can do, so that the client has the machine.
// It prints its URL and serves until its standard input ends.
func replay(args []string) error {
	fs := flag.NewFlagSet("replay", flag.ContinueOnError)
	prompt := fs.Int("prompt", 1, "")
	tokens := fs.Int("tokens", 1, "")
	perEvent := fs.Int("per-event", 1, "")
	pause := fs.Duration("pause", 0, "")
	if err := fs.Parse(args); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	pieces := answer(*prompt, *tokens, *perEvent)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go answerAll(conn, pieces, *pause)
		}
	}()
	fmt.Println("http://" + listener.Addr().String())
	_, err = io.Copy(io.Discard, os.Stdin)
	return errors.Join(err, listener.Close())
}

// answer is a chat completion's stream, in the pieces in which it is written.
func answer(prompt, tokens, perEvent int) [][]byte {
	chunk := func(event string) []byte { return fmt.Appendf(nil, "%x\r\ndata: %s\n\n\r\n", len(event)+8, event) }
	const event = `{"id":"1","object":"chat.completion.chunk","created":1,"model":"sim","choices":[{"index":0,"delta":{"content":"%s"},"finish_reason":%s}]}`
	head := []byte("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
	var pieces [][]byte
	for left := tokens; left > 0; left -= perEvent {
		reason := "null"
		if left <= perEvent {
			reason = `"length"`
		}
		pieces = append(pieces, chunk(fmt.Sprintf(event, strings.Repeat(" word", min(left, perEvent)), reason)))
	}
	pieces[0] = append(head, pieces[0]...)
	usage := chunk(fmt.Sprintf(`{"id":"1","object":"chat.completion.chunk","created":1,"model":"sim","choices":[],"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}}`,
		prompt, tokens, prompt+tokens))
	end := bytes.Join([][]byte{usage, []byte("e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")}, nil)
	return append(pieces, end)
}

// answerAll answers the requests of a connection until the client closes it.
func answerAll(conn net.Conn, pieces [][]byte, pause time.Duration) {
	defer conn.Close()
	in := bufio.NewReaderSize(conn, 64<<10)
	for {
		request, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, request.Body); err != nil {
			return
		}
		for _, piece := range pieces {
			if _, err := conn.Write(piece); err != nil {
				return
			}
			time.Sleep(pause)
		}
	}
}
