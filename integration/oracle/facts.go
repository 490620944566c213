package main

import (
	"encoding/json"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/util"
)

// fact is one line of filter/core/testdata/regorus_facts.jsonl: a policy that regorus' interpreter answers otherwise
// than OPA, or not at all.
type fact struct {
	Name     string            `json:"name"`
	About    string            `json:"about"`
	V0       bool              `json:"v0,omitempty"`
	Modules  map[string]string `json:"modules"`
	Data     map[string]any    `json:"data,omitempty"`
	Decision string            `json:"decision"`
	// By hand: what the source way says if it does not take the policy, and what the plan way says.
	SourceRefused string     `json:"source_refused,omitempty"`
	PlanRefused   string     `json:"plan_refused,omitempty"`
	Cases         []factCase `json:"cases"`
	// Error is OPA's, which does not take the policy. If it is for the data's sake, plan and answers are those without
	// data: what the plan must answer whatever the data says.
	Error string          `json:"error,omitempty"`
	Plan  json.RawMessage `json:"plan,omitempty"`
}

// factCase is an input and OPA's answer.
type factCase struct {
	Input any `json:"input"`
	// Stopped, by hand: we must say that we cannot answer. OPA is not asked: it may never answer.
	Stopped   bool   `json:"stopped,omitempty"`
	Value     any    `json:"value,omitempty"`
	IsNull    bool   `json:"null,omitempty"`
	Undefined bool   `json:"undefined,omitempty"`
	Error     string `json:"error,omitempty"`
}

// rewriteFact puts OPA's plan and answers into a line.
func rewriteFact(line []byte) (any, error) {
	var row fact
	if err := util.UnmarshalJSON(line, &row); err != nil {
		return nil, err
	}
	return &row, row.ask()
}

func (row *fact) ask() error {
	query := "data." + strings.ReplaceAll(row.Decision, "/", ".") + " = result"
	q := &question{V0: row.V0, Modules: row.Modules, Data: row.Data, Query: query}
	row.Error, row.Plan = "", nil
	prepared, err := q.prepare()
	if err != nil {
		row.Error = describe(err).Code
		q.Data = nil
		prepared, err = q.prepare()
	}
	taken := err == nil
	if taken {
		if row.Plan, err = plan(q); err != nil {
			return err
		}
	}
	for number := range row.Cases {
		asked := &row.Cases[number]
		*asked = factCase{Input: asked.Input, Stopped: asked.Stopped}
		if !taken || asked.Stopped {
			continue
		}
		input, err := ast.InterfaceToValue(asked.Input)
		if err != nil {
			return err
		}
		asked.take(evaluateWith(prepared, input))
	}
	return nil
}

func (asked *factCase) take(reply answered) {
	if reply.Error != nil {
		asked.Error = reply.Error.Code
		return
	}
	asked.Undefined = len(reply.Result) == 0
	for _, bindings := range reply.Result {
		asked.Value = bindings["result"]
		asked.IsNull = asked.Value == nil
	}
}
