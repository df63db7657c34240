// Verifies checkpoints and proofs with Go's own implementation (golang.org/x/mod/sumdb), which shares nothing with ours.
// Reads cases as JSON, and answers for each what it finds wrong; "" when nothing.
package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type proofCase struct {
	VerifierKey string
	Note        string
	// of an event, by its number from 1
	Seq       int64
	Leaf      string
	Inclusion []string
	// of an older tree
	First       int64
	FirstRoot   string
	Consistency []string
}

type positionCase struct {
	Level int
	Index int64
}

type input struct {
	Cases     []proofCase
	Positions []positionCase
}

type output struct {
	Faults    []string
	Positions []int64
}

func hashOf(text string) (hash tlog.Hash, err error) {
	bytes, err := base64.StdEncoding.DecodeString(text)
	if err == nil && len(bytes) != len(hash) {
		err = fmt.Errorf("a hash has %d bytes", len(bytes))
	}
	copy(hash[:], bytes)
	return hash, err
}

func hashesOf(texts []string) (hashes []tlog.Hash, err error) {
	for _, text := range texts {
		hash, err := hashOf(text)
		if err != nil {
			return nil, err
		}
		hashes = append(hashes, hash)
	}
	return hashes, nil
}

func checkpointOf(key, text string) (size int64, root tlog.Hash, err error) {
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return 0, root, err
	}
	opened, err := note.Open([]byte(text), note.VerifierList(verifier))
	if err != nil {
		return 0, root, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() || lines[3] != "" {
		return 0, root, fmt.Errorf("the note is no checkpoint of %s", verifier.Name())
	}
	if size, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return 0, root, err
	}
	root, err = hashOf(lines[2])
	return size, root, err
}

func check(c proofCase) error {
	size, root, err := checkpointOf(c.VerifierKey, c.Note)
	if err != nil {
		return err
	}
	leaf, err := hashOf(c.Leaf)
	if err != nil {
		return err
	}
	inclusion, err := hashesOf(c.Inclusion)
	if err != nil {
		return err
	}
	if err := tlog.CheckRecord(inclusion, size, root, c.Seq-1, leaf); err != nil {
		return fmt.Errorf("inclusion: %w", err)
	}
	firstRoot, err := hashOf(c.FirstRoot)
	if err != nil {
		return err
	}
	consistency, err := hashesOf(c.Consistency)
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(consistency, size, root, c.First, firstRoot); err != nil {
		return fmt.Errorf("consistency: %w", err)
	}
	return nil
}

func main() {
	var in input
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	out := output{Faults: []string{}, Positions: []int64{}}
	for _, c := range in.Cases {
		fault := ""
		if err := check(c); err != nil {
			fault = err.Error()
		}
		out.Faults = append(out.Faults, fault)
	}
	for _, p := range in.Positions {
		out.Positions = append(out.Positions, tlog.StoredHashIndex(p.Level, p.Index))
	}
	if err := json.NewEncoder(os.Stdout).Encode(out); err != nil {
		os.Exit(1)
	}
}
