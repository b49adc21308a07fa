package main

import (
	"bufio"
	"bytes"
	"net"
	"net/http"
	"strings"
	"testing"
)

// TestUnsolicitedAnswerStaysOut checks that bytes which a server sends beyond an
// answer, where a token may stand, do not reach stderr: net/http reports them to
// the standard logger.
func TestUnsolicitedAnswerStaysOut(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go answerTooMuch(l)
	cmd := command(t, "collect", "--out", t.TempDir(), "--team", "t", "--base-url", "http://"+l.Addr().String())
	cmd.Env = append(cmd.Env, "ASA_KEY_ID=k", "ASA_KEY_SECRET=s")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err == nil {
		t.Error("the run ended well")
	}
	if out := stderr.String(); strings.Contains(out, "canary") || !strings.Contains(out, "service_token") {
		t.Errorf("got stderr %s", out)
	}
}

// answerTooMuch answers every call with a refusal and some bytes more than it
// announces.
func answerTooMuch(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			for r := bufio.NewReader(conn); ; {
				req, err := http.ReadRequest(r)
				if err != nil {
					return
				}
				if _, err := new(bytes.Buffer).ReadFrom(req.Body); err != nil {
					return
				}
				if _, err := conn.Write([]byte("HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\n{}canary")); err != nil {
					return
				}
			}
		}()
	}
}
