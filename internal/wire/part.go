package wire

import "fmt"

// Part is a field that has fields of its own.
func (c *Coder) Part(name string, v Fielder) {
	if c.err != nil {
		return
	}
	c.view.open(name, "part", '{')
	v.Fields(c)
	c.view.close('}')
}

// Optional is a field that has fields of its own and may be zero.
func (c *Coder) Optional(name string, v Optional) {
	if c.present(name, !v.IsZero()) {
		c.view.open(name, "optional part", '{')
		v.Fields(c)
		c.view.close('}')
		if v.IsZero() {
			c.fail(name, "is there and has nothing in it")
		}
	}
}

// Option is Optional for a type whose methods are passed as functions.
func Option[T any](c *Coder, name string, v *T, zero func(T) bool, fields func(*T, *Coder)) {
	if c.present(name, !zero(*v)) {
		c.view.open(name, "optional part", '{')
		fields(v, c)
		c.view.close('}')
		if zero(*v) {
			c.fail(name, "is there and has nothing in it")
		}
	}
}

// Maybe is a field that has fields of its own and may be absent. A present but zero value
// is refused by the type, unless that means something else than an absent one.
func Maybe[T any](c *Coder, name string, v **T, fields func(*T, *Coder)) {
	if c.present(name, *v != nil) {
		if c.reading {
			*v = new(T)
		}
		c.view.open(name, "optional part", '{')
		fields(*v, c)
		c.view.close('}')
	}
}

func (c *Coder) present(name string, is bool) bool {
	return c.number(name, bit(is), 0, 1) == 1 && c.err == nil
}

// List is a field of at most most items, each of which has fields of its own.
func List[T any](c *Coder, name string, list *[]T, most int, fields func(*T, *Coder)) {
	n := int(c.number(name, uint64(len(*list)), 0, uint64(most)))
	if c.reading {
		if n > len(c.data) { // each item takes at least one byte
			c.fail(name, "is cut off")
		}
		if n > 0 && c.err == nil {
			*list = make([]T, n)
		}
	}
	if c.view != nil {
		c.view.open(name, fmt.Sprintf("list, at most %d", most), '[')
	}
	for i := range *list {
		if c.err != nil {
			break
		}
		c.view.open("", "", '{')
		fields(&(*list)[i], c)
		c.view.close('}')
	}
	c.view.close(']')
}
