package main

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
)

// A mutant is one small change of one file that makes it wrong, or should.
type mutant struct {
	id   int
	file string // for display
	line int
	in   string // the function
	what string // the source text and its replacement
	may  bool   // it may not compile: it does not know the types
	nth  int    // among those with the same text in the function, from 1
}

// key names a mutant in the list of equivalent ones. It has no line number, so that it
// stays valid while the code around it changes.
func (m mutant) key() string {
	key := m.file + " " + m.in + ": " + m.what
	if m.nth > 1 {
		key += fmt.Sprintf(" #%d", m.nth)
	}
	return key
}

// An edit replaces n bytes of the source by text.
type edit struct {
	at, n int
	order order
	text  string
	of    int // the mutant's id
	made  int // when
}

// order is that of edits at one place: closing parts come before opening ones.
type order int

const (
	closes order = iota
	replaces
	opens
)

// A mutator finds the mutants of one file. All of them are in one text: each asks at run
// time whether it is the active one, so that a package is compiled once and not for each
// mutant.
type mutator struct {
	fset    *token.FileSet
	source  []byte
	file    string
	in      string
	results []string // the types of the function's results, if they are simple names
	next    int
	mutants []mutant
	edits   []edit
	seen    map[*ast.CompositeLit]bool // those with an & before them
}

// mutate returns the mutants of a file, numbered from next on, and its edits.
func mutate(name string, source []byte, next int) ([]mutant, []edit, error) {
	m := &mutator{fset: token.NewFileSet(), source: source, file: name, next: next, seen: make(map[*ast.CompositeLit]bool)}
	file, err := parser.ParseFile(m.fset, name, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, nil, err
	}
	for _, d := range file.Decls {
		m.in = "package"
		if f, ok := d.(*ast.FuncDecl); ok {
			m.in = funcName(f)
		}
		if g, ok := d.(*ast.GenDecl); ok && g.Tok != token.VAR {
			continue
		}
		ast.Walk(m, d)
	}
	nth := make(map[string]int)
	for i := range m.mutants {
		key := m.mutants[i].key()
		nth[key]++
		m.mutants[i].nth = nth[key]
	}
	return m.mutants, m.edits, nil
}

func funcName(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	of := f.Recv.List[0].Type
	if star, ok := of.(*ast.StarExpr); ok {
		of = star.X
	}
	if generic, ok := of.(*ast.IndexExpr); ok {
		of = generic.X
	}
	return fmt.Sprintf("%s.%s", of, f.Name.Name)
}

// A span is the place of the text of an edit in the changed source.
type span struct{ from, to, of int }

// apply returns the source with the edits of all mutants except dropped ones, and the
// place of each. No edit adds or removes a line.
func apply(source []byte, edits []edit, dropped map[int]bool) (text []byte, spans []span) {
	edits = slices.DeleteFunc(slices.Clone(edits), func(e edit) bool { return dropped[e.of] })
	for i := range edits {
		edits[i].made = i
		if edits[i].order == closes { // what was opened last closes first
			edits[i].made = -i
		}
	}
	slices.SortFunc(edits, func(a, b edit) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.order, b.order), cmp.Compare(a.made, b.made))
	})
	var out bytes.Buffer
	last := 0
	for _, e := range edits {
		out.Write(source[last:e.at])
		from := out.Len()
		out.WriteString(e.text)
		spans = append(spans, span{from, out.Len(), e.of})
		last = e.at + e.n
	}
	out.Write(source[last:])
	return out.Bytes(), spans
}

// owner returns the mutant whose text is at a place that the compiler names by line and
// column, both from 1; 0 if the text is the source's own.
func owner(text []byte, spans []span, line, column int) int {
	at := 0
	for range line - 1 {
		at += bytes.IndexByte(text[at:], '\n') + 1
	}
	at += column - 1
	for _, s := range spans {
		if s.from <= at && at < s.to {
			return s.of
		}
	}
	return 0
}

func (m *mutator) offset(p token.Pos) int { return m.fset.Position(p).Offset }

func (m *mutator) text(n ast.Node) string {
	text := strings.Join(strings.Fields(string(m.source[m.offset(n.Pos()):m.offset(n.End())])), " ")
	if len(text) > 90 {
		return text[:60] + " … " + text[len(text)-20:]
	}
	return text
}

// doubtful is mutant for one that may not compile.
func (m *mutator) doubtful(n ast.Node, becomes string) int {
	id := m.mutant(n, becomes)
	m.mutants[len(m.mutants)-1].may = true
	return id
}

func (m *mutator) mutant(n ast.Node, becomes string) int {
	id := m.next
	m.next++
	m.mutants = append(m.mutants, mutant{
		id: id, file: m.file, line: m.fset.Position(n.Pos()).Line, in: m.in, what: m.text(n) + " -> " + becomes,
	})
	return id
}

// around puts text before and after a node.
func (m *mutator) around(id int, n ast.Node, before, behind string) {
	m.edits = append(m.edits,
		edit{at: m.offset(n.Pos()), order: opens, text: before, of: id},
		edit{at: m.offset(n.End()), order: closes, text: behind, of: id})
}

// Visit implements [ast.Visitor]. It makes the edits from the outside in, on
// which apply relies where several are at one place.
func (m *mutator) Visit(n ast.Node) ast.Visitor {
	switch n := n.(type) {
	case *ast.FuncDecl:
		return m.function(n.Type, n.Body)
	case *ast.FuncLit:
		return m.function(n.Type, n.Body)
	case *ast.GenDecl:
		if n.Tok == token.CONST {
			return nil
		}
	case *ast.IfStmt:
		m.condition(n.Cond, true, true)
	case *ast.ForStmt: // never always true: that would only be found by waiting
		if n.Cond != nil {
			m.condition(n.Cond, false, true)
		}
	case *ast.SwitchStmt:
		if n.Tag == nil {
			m.cases(n.Body)
		}
	case *ast.ReturnStmt:
		m.answers(n)
	case *ast.BlockStmt:
		m.removals(n.List)
	case *ast.CaseClause:
		m.removals(n.Body)
	case *ast.CommClause:
		m.removals(n.Body)
	case *ast.UnaryExpr:
		if lit, ok := n.X.(*ast.CompositeLit); ok && n.Op == token.AND {
			m.fields(lit, n, "mutantPointer_")
		}
	case *ast.CompositeLit:
		m.fields(n, n, "mutantField_")
	case *ast.BinaryExpr:
		m.operator(n)
	case *ast.CallExpr:
		m.bound(n)
	}
	return m
}

// function walks a function by itself: it has its own results.
func (m *mutator) function(t *ast.FuncType, body *ast.BlockStmt) ast.Visitor {
	if body == nil {
		return nil
	}
	inner := *m
	inner.results = nil
	if t.Results != nil {
		for _, f := range t.Results.List {
			word := ""
			if id, ok := f.Type.(*ast.Ident); ok {
				word = id.Name
			}
			for range max(1, len(f.Names)) {
				inner.results = append(inner.results, word)
			}
		}
	}
	ast.Walk(&inner, body)
	m.next, m.mutants, m.edits = inner.next, inner.mutants, inner.edits
	return nil
}
