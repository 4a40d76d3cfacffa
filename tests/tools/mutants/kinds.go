package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// The kinds of mutants.

// condition makes a condition true or false: the parts of it one by one, which also
// detects && in place of ||.
func (m *mutator) condition(x ast.Expr, toTrue, toFalse bool) {
	switch e := x.(type) {
	case *ast.ParenExpr:
		m.condition(e.X, toTrue, toFalse)
		return
	case *ast.UnaryExpr:
		if e.Op == token.NOT {
			m.condition(e.X, toFalse, toTrue)
			return
		}
	case *ast.BinaryExpr:
		switch e.Op {
		case token.LAND: // if the whole must be false, so must each part
			m.condition(e.X, true, toFalse)
			m.condition(e.Y, true, false)
			return
		case token.LOR:
			m.condition(e.X, toTrue, true)
			m.condition(e.Y, false, true)
			return
		}
	case *ast.Ident:
		toTrue, toFalse = toTrue && e.Name != "true", toFalse && e.Name != "false"
	}
	if toTrue {
		id := m.mutant(x, "true")
		m.around(id, x, "(", fmt.Sprintf(" || mutant_(%d))", id))
	}
	if toFalse {
		id := m.mutant(x, "false")
		m.around(id, x, "(", fmt.Sprintf(" && !mutant_(%d))", id))
	}
}

func (m *mutator) cases(body *ast.BlockStmt) {
	for _, c := range body.List {
		for _, x := range c.(*ast.CaseClause).List {
			m.condition(x, true, true)
		}
	}
}

// answers leaves out errors that are returned, and inverts answers.
func (m *mutator) answers(r *ast.ReturnStmt) {
	if len(r.Results) != len(m.results) {
		return
	}
	for i, x := range r.Results {
		id, word := x.(*ast.Ident)
		switch {
		case m.results[i] == "bool":
			m.condition(x, true, true)
		case m.results[i] == "error" && !(word && id.Name == "nil"):
			id := m.mutant(x, "nil")
			m.around(id, x, fmt.Sprintf("mutantError_(%d, ", id), ")")
		}
	}
}

// removals leaves out statements one by one.
func (m *mutator) removals(list []ast.Stmt) {
	for _, s := range list {
		switch s := s.(type) {
		case *ast.AssignStmt:
			if s.Tok == token.DEFINE || blank(s) {
				continue
			}
		case *ast.ExprStmt:
			if panics(s.X) { // without it the function would lack a return
				continue
			}
		case *ast.IncDecStmt, *ast.DeferStmt, *ast.GoStmt:
		case *ast.BranchStmt:
			if s.Tok != token.CONTINUE && s.Tok != token.BREAK {
				continue
			}
		default:
			continue
		}
		id := m.mutant(s, "removed")
		m.around(id, s, fmt.Sprintf("if !mutant_(%d) { ", id), " }")
		if several, ok := s.(*ast.AssignStmt); ok {
			m.parts(several)
		}
	}
}

// blank reports whether a statement only discards the results of a call.
func blank(s *ast.AssignStmt) bool {
	return !slices.ContainsFunc(s.Lhs, func(x ast.Expr) bool {
		id, ok := x.(*ast.Ident)
		return !ok || id.Name != "_"
	})
}

func panics(x ast.Expr) bool {
	call, ok := x.(*ast.CallExpr)
	if !ok {
		return false
	}
	f, ok := call.Fun.(*ast.Ident)
	return ok && f.Name == "panic"
}

// operators maps those that are exchanged for another one to the function that performs
// either.
var operators = map[token.Token]struct{ becomes, by string }{
	token.LSS: {"<=", "mutantLess_"},
	token.LEQ: {"<", "mutantLessEqual_"},
	token.GTR: {">=", "mutantGreater_"},
	token.GEQ: {">", "mutantGreaterEqual_"},
	token.ADD: {"-", "mutantAdd_"},
	token.SUB: {"+", "mutantSub_"},
}

func (m *mutator) operator(e *ast.BinaryExpr) {
	op, ok := operators[e.Op]
	if !ok {
		return
	}
	id := m.doubtful(e, op.becomes)
	m.around(id, e, fmt.Sprintf("%s(%d, ", op.by, id), ")")
	m.edits = append(m.edits, edit{at: m.offset(e.OpPos), n: len(e.Op.String()), order: replaces, text: ",", of: id})
}

// bound exchanges min and max.
func (m *mutator) bound(c *ast.CallExpr) {
	f, ok := c.Fun.(*ast.Ident)
	if !ok || f.Name != "min" && f.Name != "max" {
		return
	}
	other := map[string]string{"min": "max", "max": "min"}[f.Name]
	id := m.doubtful(c, other)
	m.edits = append(m.edits, edit{
		at: m.offset(f.Pos()), n: len(f.Name) + 1, order: opens, text: fmt.Sprintf("mutant%s_(%d, ", strings.ToUpper(f.Name[:1])+f.Name[1:], id), of: id,
	})
}

// parts leaves out one part of an assignment of several values.
func (m *mutator) parts(s *ast.AssignStmt) {
	whole := string(m.source[m.offset(s.Pos()):m.offset(s.End())])
	if len(s.Lhs) < 2 || strings.Contains(whole, "\n") { // an edit must not add a line
		return
	}
	for i, x := range s.Lhs {
		if id, ok := x.(*ast.Ident); ok && id.Name == "_" {
			continue
		}
		begin := m.offset(s.Pos())
		without := whole[:m.offset(x.Pos())-begin] + "_" + whole[m.offset(x.End())-begin:]
		id := m.doubtful(s, fmt.Sprintf("without part %d", i+1))
		m.around(id, s, fmt.Sprintf("if mutant_(%d) { %s } else { ", id, without), " }")
	}
}

// fields leaves the fields of a literal at their zero values, one by one, by a function
// that gets whole, which is the literal or the & before it. A literal within another one
// may have no type of its own; then its type is unknown.
func (m *mutator) fields(lit *ast.CompositeLit, whole ast.Expr, by string) {
	if m.seen[lit] {
		return
	}
	m.seen[lit] = true
	switch lit.Type.(type) {
	case *ast.ArrayType, *ast.MapType, *ast.StructType:
		return
	}
	for _, x := range lit.Elts {
		pair, ok := x.(*ast.KeyValueExpr)
		if !ok {
			return
		}
		key, ok := pair.Key.(*ast.Ident)
		if !ok || zero(pair.Value) {
			continue
		}
		id := m.doubtful(pair, "zero")
		if lit.Type == nil {
			m.around(id, pair.Value, fmt.Sprintf("mutantZero_(%d, ", id), ")")
			continue
		}
		of := m.source[m.offset(lit.Type.Pos()):m.offset(lit.Type.End())]
		m.around(id, whole, fmt.Sprintf("%s(%d, ", by, id),
			fmt.Sprintf(", func(v, z %s) %s { v.%s = z.%s; return v })", of, of, key.Name, key.Name))
	}
}

// zero reports whether an expression is obviously a zero value.
func zero(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.Ident:
		return x.Name == "nil" || x.Name == "false"
	case *ast.BasicLit:
		return x.Value == "0" || x.Value == `""` || x.Value == "``"
	case *ast.CompositeLit:
		return len(x.Elts) == 0
	}
	return false
}
