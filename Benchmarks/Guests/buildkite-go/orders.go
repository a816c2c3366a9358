package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/buildkite/stacksapi"
)

const (
	stack  = "benchmark"
	queue  = "default"
	detail = "No capacity left for this job"
)

type order struct {
	Call         string `json:"call"`
	Concurrency  int    `json:"concurrency"`
	Calls        int    `json:"calls"`
	Milliseconds int    `json:"milliseconds"`
}

type report struct {
	Calls                int    `json:"calls"`
	Errors               int    `json:"errors"`
	FirstError           string `json:"firstError,omitempty"`
	CPUNanoseconds       int64  `json:"cpuNanoseconds"`
	WallNanoseconds      int64  `json:"wallNanoseconds"`
	PeakMemoryBytes      int64  `json:"peakMemoryBytes"`
	ResidentMemoryBytes  int64  `json:"residentMemoryBytes"`
	AnonymousMemoryBytes int64  `json:"anonymousMemoryBytes"`
}

// takeOrders carries out one order after the other until standard input ends.
func takeOrders(client *stacksapi.Client) error {
	output := bufio.NewWriterSize(os.Stdout, 1<<16)
	write := func(value any) error {
		line, err := json.Marshal(value)
		if err != nil {
			return err
		}
		if _, err := output.Write(append(line, '\n')); err != nil {
			return err
		}
		return output.Flush()
	}
	engine := fmt.Sprintf("stacksapi/%s %s", stacksapi.Version, runtime.Version())
	if err := write(map[string]string{"engine": engine}); err != nil {
		return err
	}
	input := bufio.NewScanner(os.Stdin)
	for input.Scan() {
		var order order
		if err := json.Unmarshal(input.Bytes(), &order); err != nil {
			return err
		}
		report, latencies, err := carryOut(client, order)
		if err != nil {
			return err
		}
		if err := write(report); err != nil {
			return err
		}
		if err := binary.Write(output, binary.NativeEndian, latencies); err != nil {
			return err
		}
		if err := output.Flush(); err != nil {
			return err
		}
	}
	return input.Err()
}

// carryOut makes the calls of an order: callers that each call again as soon as they have their response.
func carryOut(client *stacksapi.Client, order order) (report, []uint64, error) {
	call, err := callNamed(client, order.Call)
	if err != nil {
		return report{}, nil, err
	}
	latencies := make([]uint64, order.Calls)
	var begun, ended, failures atomic.Int64
	var firstError atomic.Pointer[error]
	began, cpu := time.Now(), cpuNanoseconds()
	end := began.Add(time.Duration(order.Milliseconds) * time.Millisecond)
	var callers sync.WaitGroup
	for range min(order.Concurrency, order.Calls) {
		callers.Go(func() {
			asked := time.Now()
			for isFirst := true; (isFirst || asked.Before(end)) && begun.Add(1) <= int64(order.Calls); isFirst = false {
				if err := call(context.Background()); err != nil {
					failures.Add(1)
					firstError.CompareAndSwap(nil, &err)
				}
				responded := time.Now()
				latencies[ended.Add(1)-1] = uint64(responded.Sub(asked))
				asked = responded
			}
		})
	}
	callers.Wait()
	report := report{
		Calls: int(ended.Load()), Errors: int(failures.Load()),
		CPUNanoseconds: cpuNanoseconds() - cpu, WallNanoseconds: int64(time.Since(began)),
		PeakMemoryBytes:     memory("VmHWM:"),
		ResidentMemoryBytes: memory("VmRSS:"), AnonymousMemoryBytes: memory("RssAnon:"),
	}
	if first := firstError.Load(); first != nil {
		report.FirstError = (*first).Error()
	}
	return report, latencies[:report.Calls], nil
}

// callNamed makes the call with the harness's name for it, and checks the response.
func callNamed(client *stacksapi.Client, name string) (func(context.Context) error, error) {
	jobs := jobs()
	expect := func(count, expected int) error {
		if count != expected {
			return fmt.Errorf("%d instead of %d", count, expected)
		}
		return nil
	}
	states := func(jobs []string) func(context.Context) error {
		return func(ctx context.Context) error {
			response, _, err := client.GetJobStates(ctx, stacksapi.GetJobStatesRequest{StackKey: stack, JobUUIDs: jobs})
			if err != nil {
				return err
			}
			return expect(len(response.States), len(jobs))
		}
	}
	list := func(count int) func(context.Context) error {
		return func(ctx context.Context) error {
			response, _, err := client.ListScheduledJobs(
				ctx, stacksapi.ListScheduledJobsRequest{StackKey: stack, ClusterQueueKey: queue, PageSize: count})
			if err != nil {
				return err
			}
			return expect(len(response.Jobs), count)
		}
	}
	switch name {
	case "states-1":
		return states(jobs[:1]), nil
	case "states-1000":
		return states(jobs), nil
	case "list-100":
		return list(100), nil
	case "list-1000":
		return list(1000), nil
	case "job":
		return func(ctx context.Context) error {
			response, _, err := client.GetJob(ctx, stacksapi.GetJobRequest{StackKey: stack, JobUUID: jobs[0]})
			if err != nil {
				return err
			}
			return expect(len(response.Env), 40)
		}, nil
	case "reserve-1000":
		return func(ctx context.Context) error {
			response, _, err := client.BatchReserveJobs(
				ctx, stacksapi.BatchReserveJobsRequest{StackKey: stack, JobUUIDs: jobs})
			if err != nil {
				return err
			}
			return expect(len(response.Reserved), len(jobs))
		}, nil
	case "finish":
		return func(ctx context.Context) error {
			_, err := client.FinishJob(
				ctx, stacksapi.FinishJobRequest{StackKey: stack, JobUUID: jobs[0], ExitStatus: 1, Detail: detail})
			return err
		}, nil
	case "notify-1000":
		notifications := make([]stacksapi.StackNotification, len(jobs))
		for index, job := range jobs {
			notifications[index] = stacksapi.StackNotification{JobUUID: job, Detail: "Starting a virtual machine"}
		}
		return func(ctx context.Context) error {
			response, _, err := client.CreateStackNotifications(
				ctx, stacksapi.CreateStackNotificationsRequest{StackKey: stack, Notifications: notifications})
			if err != nil {
				return err
			}
			return expect(len(response.Errors), 0)
		}, nil
	}
	return nil, fmt.Errorf("there is no call %q", name)
}

// jobs are the UUIDs that all contestants send (https://prng.di.unimi.it/splitmix64.c with the seed 1).
func jobs() []string {
	state := uint64(1)
	next := func() uint64 {
		state += 0x9E3779B97F4A7C15
		value := state
		value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9
		value = (value ^ (value >> 27)) * 0x94D049BB133111EB
		return value ^ (value >> 31)
	}
	jobs := make([]string, 1000)
	for index := range jobs {
		high := next()&^0xF000 | 0x4000
		low := next()&^(0xC0<<56) | (0x80 << 56)
		digits := fmt.Sprintf("%016x%016x", high, low)
		jobs[index] = digits[:8] + "-" + digits[8:12] + "-" + digits[12:16] + "-" + digits[16:20] + "-" + digits[20:]
	}
	return jobs
}
