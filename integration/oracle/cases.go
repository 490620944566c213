package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/test/cases"
)

// caseLine is one conformance case: what is asked and the answer of this OPA.
type caseLine struct {
	// Name is version/note.
	Name    string `json:"name"`
	Version string `json:"version"`
	Folder  string `json:"folder"`
	// Question can be given to `oracle answer` as it is.
	Question question `json:"question"`
	Answer   answered `json:"answer"`
	// Lenient is the answer where errors of builtins do not end the evaluation; only if Question.Strict.
	Lenient *answered `json:"lenient,omitempty"`
	// Unexpected says how the answer differs from what the file of the case wants: the oracle asked wrongly, or the
	// case needs a network or an environment.
	Unexpected string `json:"unexpected,omitempty"`
}

// printCases writes every case of the OPA module's own suite.
func printCases(out *bufio.Writer) error {
	folder, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/open-policy-agent/opa").Output()
	if err != nil {
		return fmt.Errorf("go list, run in integration/oracle: %w", err)
	}
	encoder := json.NewEncoder(out)
	for _, version := range []string{"v1", "v0"} {
		root := filepath.Join(strings.TrimSpace(string(folder)), "v1", "test", "cases", "testdata", version)
		set, err := cases.Load(root)
		if err != nil {
			return err
		}
		for _, one := range set.Cases {
			line, err := readCase(version, one)
			if err != nil {
				return fmt.Errorf("%s: %w", one.Note, err)
			}
			if err := encoder.Encode(line); err != nil {
				return err
			}
		}
	}
	return nil
}

func readCase(version string, one cases.TestCase) (caseLine, error) {
	line := caseLine{
		Name:    version + "/" + one.Note,
		Version: version,
		Folder:  filepath.Base(filepath.Dir(one.Filename)),
		Question: question{
			V0: version == "v0", Modules: map[string]string{}, Query: one.Query, Strict: one.StrictError,
			Experimental: one.ExperimentalKeywords,
		},
	}
	if one.Data != nil {
		line.Question.Data = *one.Data
	}
	for index, text := range one.Modules {
		line.Question.Modules[fmt.Sprintf("test-%d.rego", index)] = text
	}
	input, err := inputOf(one)
	if err != nil {
		return line, err
	}
	if input != nil {
		tagged, err := tag(input)
		if err != nil {
			return line, err
		}
		line.Question.Input, line.Question.input = &tagged, input
	}
	line.Answer = line.Question.answer()
	line.Unexpected = unexpected(one, line.Answer)
	if one.StrictError {
		lenient := line.Question
		lenient.Strict, lenient.SkipPlan = false, true
		answer := lenient.answer()
		line.Lenient = &answer
	}
	return line, nil
}

func inputOf(one cases.TestCase) (ast.Value, error) {
	if one.InputTerm != nil {
		term, err := ast.ParseTerm(*one.InputTerm)
		if err != nil {
			return nil, err
		}
		return term.Value, nil
	}
	if one.Input == nil {
		return nil, nil
	}
	return ast.InterfaceToValue(*one.Input)
}
