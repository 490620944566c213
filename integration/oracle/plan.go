package main

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/ir"
	"github.com/open-policy-agent/opa/v1/rego"
)

// planTarget is a target of OPA's library that keeps the plan instead of running it.
type planTarget struct{ kept **ir.Policy }

func (planTarget) IsTarget(target string) bool { return target == "plan" }

func (t planTarget) PrepareForEval(_ context.Context, policy *ir.Policy, _ ...rego.PrepareOption) (rego.TargetPluginEval, error) {
	*t.kept = policy
	return t, nil
}

func (planTarget) Eval(context.Context, *rego.EvalContext, ast.Value) (ast.Value, error) {
	return nil, errors.New("plans are not run here")
}

var lastPlan *ir.Policy

func init() { rego.RegisterPlugin("plan", planTarget{kept: &lastPlan}) }

// plan compiles a query into OPA's intermediate representation. Not for concurrent use.
func plan(question *question) (json.RawMessage, error) {
	lastPlan = nil
	options := append(question.options(), rego.Target("plan"))
	if _, err := rego.New(options...).PrepareForEval(context.Background()); err != nil {
		return nil, err
	}
	if lastPlan == nil {
		return nil, errors.New("the planner gave no plan")
	}
	return json.Marshal(lastPlan)
}
