package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"github.com/open-policy-agent/opa/v1/util"
)

// vector is one line of filter/core/testdata/builtins: a call and what OPA makes of it.
type vector struct {
	called
	// Inexact lines are written by hand: we must say that we cannot answer.
	Inexact bool `json:"inexact,omitempty"`
	// One of these three is OPA's answer.
	Value     any  `json:"value,omitempty"`
	IsNull    bool `json:"null,omitempty"`
	Error     bool `json:"error,omitempty"`
	Undefined bool `json:"undefined,omitempty"`
}

// rewriteVectors puts OPA's answers into a file, in place.
func rewriteVectors(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	for number, line := range bytes.Split(bytes.TrimSpace(text), []byte("\n")) {
		var asked vector
		if err := util.UnmarshalJSON(line, &asked); err != nil {
			return fmt.Errorf("%s:%d: %w", path, number+1, err)
		}
		// What we cannot answer OPA is not asked: the answer may be one that SARK cannot even read, or OPA's end.
		var reply callReply
		if !asked.Inexact {
			if reply, err = answerCall(asked.called); err != nil {
				return fmt.Errorf("%s:%d: %w", path, number+1, err)
			}
		}
		err = encoder.Encode(vector{
			called: asked.called, Inexact: asked.Inexact,
			Value: reply.Value, IsNull: reply.Defined && reply.Value == nil,
			Error: reply.Error != nil, Undefined: !asked.Inexact && reply.Error == nil && !reply.Defined,
		})
		if err != nil {
			return err
		}
	}
	return os.WriteFile(path, out.Bytes(), 0o644)
}
