package main

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/topdown/builtins"
	"github.com/open-policy-agent/opa/v1/util"
)

// called is one call of a builtin. Args are tagged.
type called struct {
	Name string `json:"name"`
	Args []any  `json:"args"`
	// Time is what time.now_ns answers, in nanoseconds since the epoch.
	Time int64 `json:"time,omitempty"`
}

// callReply has Value, tagged, or Error; neither: undefined.
type callReply struct {
	Value   any      `json:"value,omitempty"`
	Defined bool     `json:"defined"`
	Error   *failure `json:"error,omitempty"`
}

// relations answer more than once. In a plan their answer is an array of all.
var relations = map[string]bool{ast.WalkBuiltin.Name: true}

func callLine(line []byte) (any, error) {
	var call called
	if err := util.UnmarshalJSON(line, &call); err != nil {
		return nil, err
	}
	return answerCall(call)
}

func answerCall(call called) (reply callReply, err error) {
	function := topdown.GetBuiltin(call.Name)
	if function == nil {
		return reply, errors.New("no such builtin: " + call.Name)
	}
	args, err := untagAll(call.Args)
	if err != nil {
		return reply, err
	}
	now := time.Now()
	if call.Time != 0 {
		now = time.Unix(0, call.Time)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	stop := topdown.NewCancel()
	defer time.AfterFunc(10*time.Second, stop.Cancel).Stop()
	err = function(topdown.BuiltinContext{
		Context:                ctx,
		Time:                   ast.NumberTerm(json.Number(strconv.FormatInt(now.UnixNano(), 10))),
		Cancel:                 stop,
		InterQueryBuiltinCache: nil,
		NDBuiltinCache:         builtins.NDBCache{},
	}, args, func(result *ast.Term) error {
		if result == nil || reply.Defined && !relations[call.Name] {
			return nil
		}
		value, err := tag(result.Value)
		if relations[call.Name] {
			all, _ := reply.Value.([]any)
			value = append(all, value)
		}
		reply.Defined, reply.Value = true, value
		return err
	})
	if err != nil {
		reply = callReply{Error: describe(err)}
	}
	return reply, nil
}
