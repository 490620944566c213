package main

import "github.com/open-policy-agent/opa/v1/util"

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

// rewriteVector puts OPA's answer into a line.
func rewriteVector(line []byte) (any, error) {
	var asked vector
	if err := util.UnmarshalJSON(line, &asked); err != nil {
		return nil, err
	}
	// What we cannot answer OPA is not asked: the answer may be one that SARK cannot even read, or OPA's end.
	if asked.Inexact {
		return vector{called: asked.called, Inexact: true}, nil
	}
	reply, err := answerCall(asked.called)
	return vector{
		called: asked.called,
		Value:  reply.Value, IsNull: reply.Defined && reply.Value == nil,
		Error: reply.Error != nil, Undefined: reply.Error == nil && !reply.Defined,
	}, err
}
