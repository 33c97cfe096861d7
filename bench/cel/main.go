// Evaluates the expressions of assay/cel/cel_bench.cc with cel-go and prints "name ns" lines, in processor
// time, so that other work on the machine does not count.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"syscall"
	"testing"

	"github.com/google/cel-go/cel"
)

const body = `{"items":[{"id":"a","n":1},{"id":"b","n":2},{"id":"x","n":3},{"id":"d","n":4}]}`

// Numbers of decoded JSON are doubles here, and ints in ours.
var expressions = []struct{ name, source string }{
	{"expectation", "status == 200 && body.items.exists(i, i.id == 'x') && size(body.items) > 2"},
	{"comparison", "status == 200"},
	{"map_and_filter", "size(body.items.filter(i, i.n > 1.0).map(i, i.n * 2.0)) == 3"},
	{"regex", "body.items.all(i, i.id.matches('^[a-z]$'))"},
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// cpuTime is the processor time of the whole process, its garbage collector included.
func cpuTime() int64 {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return usage.Utime.Nano() + usage.Stime.Nano()
}

// measure returns processor nanoseconds an operation.
func measure(operation func()) int64 {
	var spent, count int64
	testing.Benchmark(func(b *testing.B) {
		start := cpuTime()
		for i := 0; i < b.N; i++ {
			operation()
		}
		spent, count = cpuTime()-start, int64(b.N)
	})
	return spent / count
}

func main() {
	env, err := cel.NewEnv(cel.Variable("status", cel.IntType), cel.Variable("body", cel.DynType))
	check(err)
	var decoded any
	check(json.Unmarshal([]byte(body), &decoded))
	variables := map[string]any{"status": int64(200), "body": decoded}

	compile := measure(func() {
		ast, issues := env.Compile(expressions[0].source)
		check(issues.Err())
		_, err := env.Program(ast, cel.EvalOptions(cel.OptOptimize))
		check(err)
	})
	fmt.Printf("compile %d\n", compile)

	for _, expression := range expressions {
		ast, issues := env.Compile(expression.source)
		check(issues.Err())
		program, err := env.Program(ast, cel.EvalOptions(cel.OptOptimize))
		check(err)
		result := measure(func() {
			value, _, err := program.Eval(variables)
			check(err)
			if value.Value() != true {
				check(fmt.Errorf("%s is not true", expression.source))
			}
		})
		fmt.Printf("%s %d\n", expression.name, result)
	}
}
