package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/buildkite/stacksapi"
)

const (
	pollInterval  = time.Second
	stateInterval = 5 * time.Second
	// So that the pages of a long list stay within the documented 10 requests a second.
	pageInterval = 110 * time.Millisecond
	workTime     = 6 * time.Second
	// What stands for any sleep: long enough for the process to have nothing to do, as between two polls.
	shortSleep = time.Millisecond
)

// poller is a controller as one would write it at first: it polls every second, reserves what matches, starts an agent
// for each job, and asks for the states of what runs every few seconds. Its time is the server's clock, which it moves
// after a short sleep instead of a long one.
type poller struct {
	client  *stacksapi.Client
	agents  *http.Client
	origin  string
	slots   int
	works   bool
	clock   []byte
	now     time.Duration
	running map[string]time.Duration
	// What lets an agent take a job, by the job.
	jobTokens map[string]string
	token     string

	requests int
	polls    int
	launched int
}

// reportHour writes one line of JSON, what the poller costs in an hour.
func reportHour(client *stacksapi.Client, agents *http.Client, origin, token, load, clock string, length time.Duration) error {
	file, err := os.OpenFile(clock, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	shared, err := syscall.Mmap(int(file.Fd()), 0, 8, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return err
	}
	poller := &poller{
		client: client, agents: agents, origin: origin, slots: 20, clock: shared, token: token,
		running: map[string]time.Duration{}, jobTokens: map[string]string{},
	}
	switch load {
	case "idle", "unmatched":
	case "running":
		poller.slots = 200
	case "launched":
		poller.works = true
	default:
		return fmt.Errorf("there is no load %q", load)
	}
	ctx := context.Background()
	_, _, err = client.RegisterStack(ctx, stacksapi.RegisterStackRequest{
		Key: stack, Type: stacksapi.StackTypeCustom, QueueKey: queue, Metadata: map[string]string{},
	})
	if err != nil {
		return err
	}
	// What runs for the whole hour is started before it.
	if load == "running" {
		if err := poller.poll(ctx); err != nil {
			return err
		}
	}
	before, err := poller.wireCounts()
	if err != nil {
		return err
	}
	requests, polls, launched, cpu := poller.requests, poller.polls, poller.launched, cpuNanoseconds()
	if err := poller.run(ctx, poller.now+length); err != nil {
		return err
	}
	used := cpuNanoseconds() - cpu
	after, err := poller.wireCounts()
	if err != nil {
		return err
	}
	hourly := func(count int64) int64 { return count * int64(time.Hour/time.Second) / int64(length/time.Second) }
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"load": load, "usesExecutor": false, "seconds": int(length.Seconds()),
		"cpuNanoseconds": hourly(used), "requests": hourly(int64(poller.requests - requests)),
		"polls": hourly(int64(poller.polls - polls)), "launched": hourly(int64(poller.launched - launched)),
		"bytesSent":       hourly(after.BytesReceived - before.BytesReceived),
		"bytesReceived":   hourly(after.BytesSent - before.BytesSent),
		"peakMemoryBytes": memory("VmHWM:"),
	})
}

// run polls until the end.
func (p *poller) run(ctx context.Context, end time.Duration) error {
	nextStates := p.now + stateInterval
	for p.now < end {
		next := p.now + pollInterval
		if err := p.finishWork(); err != nil {
			return err
		}
		if err := p.poll(ctx); err != nil {
			return err
		}
		if p.now >= nextStates && len(p.running) > 0 {
			if err := p.readStates(ctx); err != nil {
				return err
			}
			nextStates = p.now + stateInterval
		}
		p.wait(next - p.now)
	}
	return nil
}

func (p *poller) wait(duration time.Duration) {
	time.Sleep(shortSleep)
	p.now += max(duration, 0)
	binary.NativeEndian.PutUint64(p.clock, uint64(p.now))
}

// poll reads the list, all of it while a slot is free, and starts what matches.
func (p *poller) poll(ctx context.Context) error {
	var chosen []string
	request := stacksapi.ListScheduledJobsRequest{StackKey: stack, ClusterQueueKey: queue, PageSize: 1000}
	for {
		p.requests++
		p.polls++
		page, _, err := p.client.ListScheduledJobs(ctx, request)
		if err != nil {
			return err
		}
		for _, job := range page.Jobs {
			matches := !slices.ContainsFunc(job.AgentQueryRules, func(rule string) bool { return rule != "queue="+queue })
			if matches && len(chosen) < p.slots-len(p.running) {
				chosen = append(chosen, job.ID)
			}
		}
		p.wait(pageInterval)
		if !page.PageInfo.HasNextPage || page.PageInfo.EndCursor == "" || len(chosen) == p.slots-len(p.running) {
			break
		}
		request.StartCursor = page.PageInfo.EndCursor
	}
	if len(chosen) == 0 {
		return nil
	}
	p.requests++
	response, _, err := p.client.BatchReserveJobs(
		ctx, stacksapi.BatchReserveJobsRequest{StackKey: stack, JobUUIDs: chosen})
	if err != nil {
		return err
	}
	if err := p.issueTokens(response.Reserved); err != nil {
		return err
	}
	for _, job := range response.Reserved {
		for _, step := range []string{"acquire", "start"} {
			if err := p.tellAgent(job, step); err != nil {
				return err
			}
		}
		// The list was read before.
		p.running[job] = p.now - pageInterval
		p.launched++
	}
	return nil
}

func (p *poller) readStates(ctx context.Context) error {
	jobs := make([]string, 0, len(p.running))
	for job := range p.running {
		jobs = append(jobs, job)
	}
	p.requests++
	_, _, err := p.client.GetJobStates(ctx, stacksapi.GetJobStatesRequest{StackKey: stack, JobUUIDs: jobs})
	return err
}

// finishWork ends the agents whose work is done.
func (p *poller) finishWork() error {
	if !p.works {
		return nil
	}
	for job, began := range p.running {
		if p.now-began < workTime {
			continue
		}
		if err := p.tellAgent(job, "finish"); err != nil {
			return err
		}
		delete(p.running, job)
		delete(p.jobTokens, job)
	}
	return nil
}

// issueTokens gets the tokens that let an agent take a job each, for which the Go client has no call.
func (p *poller) issueTokens(jobs []string) error {
	body, err := json.Marshal(map[string][]string{"job_uuids": jobs})
	if err != nil {
		return err
	}
	text, err := p.call(http.MethodPost, "stacks/"+stack+"/job-acquisition-tokens", p.token, body)
	if err != nil {
		return err
	}
	var response struct {
		Tokens []struct {
			JobUUID string `json:"job_uuid"`
			Token   string `json:"job_acquisition_token"`
		} `json:"job_acquisition_tokens"`
	}
	if err := json.Unmarshal(text, &response); err != nil {
		return err
	}
	for _, issued := range response.Tokens {
		p.jobTokens[issued.JobUUID] = issued.Token
	}
	return nil
}

// tellAgent makes a call that an agent makes for its job.
func (p *poller) tellAgent(job, step string) error {
	body := `{}`
	if step == "finish" {
		body = `{"exit_status":"0"}`
	}
	_, err := p.call(http.MethodPut, "jobs/"+job+"/"+step, p.jobTokens[job], []byte(body))
	return err
}

// call makes a call that the Go client does not have, and returns the response's body.
func (p *poller) call(method, path, token string, body []byte) ([]byte, error) {
	p.requests++
	request, err := http.NewRequest(method, p.origin+"/v3/"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Token "+token)
	request.Header.Set("Content-Type", "application/json")
	response, err := p.agents.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s: %.200q", method, path, response.Status, text)
	}
	return text, err
}

type wireCounts struct {
	BytesReceived int64 `json:"bytesReceived"`
	BytesSent     int64 `json:"bytesSent"`
}

// wireCounts is what the server has counted on its connections.
func (p *poller) wireCounts() (wireCounts, error) {
	var counts wireCounts
	response, err := p.agents.Get(p.origin + "/_counts")
	if err != nil {
		return counts, err
	}
	defer response.Body.Close()
	return counts, json.NewDecoder(response.Body).Decode(&counts)
}
