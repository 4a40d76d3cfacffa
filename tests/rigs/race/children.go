package race

import (
	"bufio"
	"errors"
	"fmt"
	"os"
)

// Children are processes that get their orders at the same moment.
type Children []*Child

// StartAll starts n children that play role. End them.
func StartAll(role, where string, n int) (Children, error) {
	var all Children
	for range n {
		c, err := Start(role, where)
		if err != nil {
			return nil, errors.Join(err, all.End())
		}
		all = append(all, c)
	}
	return all, nil
}

// Ask gives each child its order and returns their answers, a line each.
func (c Children) Ask(order func(child int) string) (answers []string, err error) {
	for i, child := range c {
		if err := child.Order(order(i)); err != nil {
			return nil, err
		}
	}
	for _, child := range c {
		line, ok := child.Answer()
		if !ok {
			return nil, errors.New("a child has died")
		}
		answers = append(answers, line)
	}
	return answers, nil
}

// End ends all of them and returns their errors.
func (c Children) End() (err error) {
	for _, child := range c {
		err = errors.Join(err, child.End())
	}
	return err
}

// longest is the longest order or answer, in bytes.
const longest = 1 << 20

// Obey is the life of a child in [Children]: it answers each order, until its input ends.
func Obey(order func(line string) (answer string, err error)) error {
	orders := bufio.NewScanner(os.Stdin)
	orders.Buffer(nil, longest)
	for orders.Scan() {
		answer, err := order(orders.Text())
		if err != nil {
			return err
		}
		fmt.Println(answer)
	}
	return orders.Err()
}
