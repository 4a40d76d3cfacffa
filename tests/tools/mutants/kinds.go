package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// The kinds of mutants.

// condition forces what is true or false here: the parts of it one by one, which
// also finds what && in place of || would.
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
		case token.LAND: // false as a whole is each of them false
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

// answers has errors not returned, and answers turned round.
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
			if panics(s.X) { // the function would lack a return
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
	}
}

// blank reports whether a statement only drops what a call returns.
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

// operators are those that become another one, and the function that is either.
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
	id := m.mutant(e, op.becomes)
	m.around(id, e, fmt.Sprintf("%s(%d, ", op.by, id), ")")
	m.edits = append(m.edits, edit{at: m.offset(e.OpPos), n: len(e.Op.String()), order: replaces, text: ",", of: id})
}

// bound has min and max change places.
func (m *mutator) bound(c *ast.CallExpr) {
	f, ok := c.Fun.(*ast.Ident)
	if !ok || f.Name != "min" && f.Name != "max" {
		return
	}
	other := map[string]string{"min": "max", "max": "min"}[f.Name]
	id := m.mutant(c, other)
	m.edits = append(m.edits, edit{
		at: m.offset(f.Pos()), n: len(f.Name) + 1, order: opens, text: fmt.Sprintf("mutant%s_(%d, ", strings.ToUpper(f.Name[:1])+f.Name[1:], id), of: id,
	})
}
