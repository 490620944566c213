package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
)

// rewriteLines puts what rewrite makes of each line of a file in its place.
func rewriteLines(path string, rewrite func([]byte) (any, error)) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	for number, line := range bytes.Split(bytes.TrimSpace(text), []byte("\n")) {
		rewritten, err := rewrite(line)
		if err == nil {
			err = encoder.Encode(rewritten)
		}
		if err != nil {
			return fmt.Errorf("%s:%d: %w", path, number+1, err)
		}
	}
	return os.WriteFile(path, out.Bytes(), 0o644)
}
