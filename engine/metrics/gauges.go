package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/featuresql/featuresql/engine"
	"github.com/featuresql/featuresql/engine/server"
)

// asked is a metric whose value the engine or the server knows.
type asked struct {
	desc   *prometheus.Desc
	kind   prometheus.ValueType
	labels []string
	value  func(a engine.Activity, c server.Counts) int64
}

func askFor(kind prometheus.ValueType, name, help string, value func(a engine.Activity, c server.Counts) int64) asked {
	return asked{prometheus.NewDesc(prefix+name, help, nil, nil), kind, nil, value}
}

func askLabelled(desc *prometheus.Desc, label string, value func(a engine.Activity, c server.Counts) int64) asked {
	return asked{desc, prometheus.CounterValue, []string{label}, value}
}

var (
	cacheDesc = prometheus.NewDesc(prefix+"cache_lookups_total",
		"Look-ups of footers, page indexes, deletion vectors and hot pages in memory.", []string{"outcome"}, nil)
	retryDesc = prometheus.NewDesc(prefix+"commit_retries_total",
		"Commits put again: another one took the version without a conflict, or the store failed.", []string{"reason"}, nil)
	checkpointDesc = prometheus.NewDesc(prefix+"checkpoints_total", "Checkpoints, by outcome.", []string{"outcome"}, nil)
)

// allAsked are the metrics that Collect asks for.
var allAsked = []asked{
	askFor(prometheus.GaugeValue, "connections", "Open connections.", func(_ engine.Activity, c server.Counts) int64 { return int64(c.Connections) }),
	askFor(prometheus.CounterValue, "connections_total", "Connections that were accepted.", func(_ engine.Activity, c server.Counts) int64 { return c.Accepted }),
	askFor(prometheus.CounterValue, "connections_refused_total", "Connections beyond --max-connections.", func(_ engine.Activity, c server.Counts) int64 { return c.Refused }),
	askFor(prometheus.GaugeValue, "statements_running", "Statements under way.", func(_ engine.Activity, c server.Counts) int64 { return int64(c.Running) }),
	askFor(prometheus.CounterValue, "commits_total", "Transactions committed to tables.", func(a engine.Activity, _ server.Counts) int64 { return a.Commits }),
	askFor(prometheus.CounterValue, "commits_recovered_total", "Commits that the store had taken though it reported an error.",
		func(a engine.Activity, _ server.Counts) int64 { return a.PutsRecovered }),
	askLabelled(retryDesc, "taken", func(a engine.Activity, _ server.Counts) int64 { return a.CommitsPutAgain }),
	askLabelled(retryDesc, "store", func(a engine.Activity, _ server.Counts) int64 { return a.PutsFailed }),
	askLabelled(checkpointDesc, "written", func(a engine.Activity, _ server.Counts) int64 { return a.Checkpoints }),
	askLabelled(checkpointDesc, "failed", func(a engine.Activity, _ server.Counts) int64 { return a.CheckpointsFailed }),
	askFor(prometheus.CounterValue, "conflict_retries_total", "Statements executed again on the newest version because of a conflict.",
		func(a engine.Activity, _ server.Counts) int64 { return a.ConflictsRetried }),
	askFor(prometheus.CounterValue, "row_fallbacks_total", "Constructs that ran row by row instead of on batches; EXPLAIN names them.",
		func(a engine.Activity, _ server.Counts) int64 { return a.RowFallbacks }),
	askFor(prometheus.CounterValue, "kept_plans_total", "SELECTs that ran from a kept plan.", func(a engine.Activity, _ server.Counts) int64 { return a.KeptPlansUsed }),
	askLabelled(cacheDesc, "hit", func(a engine.Activity, _ server.Counts) int64 { return a.CacheHits }),
	askLabelled(cacheDesc, "miss", func(a engine.Activity, _ server.Counts) int64 { return a.CacheMisses }),
	askFor(prometheus.GaugeValue, "cache_bytes", "Memory of that cache.", func(a engine.Activity, _ server.Counts) int64 { return a.CacheBytes }),
	askFor(prometheus.GaugeValue, "query_memory_bytes", "Memory that sorts, joins, aggregations and windows hold.",
		func(a engine.Activity, _ server.Counts) int64 { return a.MemoryBytes }),
	askFor(prometheus.GaugeValue, "query_memory_peak_bytes", "The most they have held at once.", func(a engine.Activity, _ server.Counts) int64 { return a.MemoryPeakBytes }),
	askFor(prometheus.GaugeValue, "query_memory_limit_bytes", "The most they may hold (--memory-limit); 0 is unlimited.",
		func(a engine.Activity, _ server.Counts) int64 { return a.MemoryLimitBytes }),
	askFor(prometheus.CounterValue, "query_spilled_bytes_total", "Bytes written to temporary files because memory was used up.",
		func(a engine.Activity, _ server.Counts) int64 { return a.SpilledBytes }),
	askFor(prometheus.CounterValue, "log_warnings_total", "Damage in a table's log that could be worked around; the server's log says what.",
		func(a engine.Activity, _ server.Counts) int64 { return a.DamagedLogWarnings }),
}

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(out chan<- *prometheus.Desc) {
	var before *prometheus.Desc
	for _, a := range allAsked {
		if a.desc != before {
			out <- a.desc
		}
		before = a.desc
	}
}

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(out chan<- prometheus.Metric) {
	activity := m.engine.Activity()
	var counts server.Counts
	if s := m.server.Load(); s != nil {
		counts = s.Counts()
	}
	for _, a := range allAsked {
		out <- prometheus.MustNewConstMetric(a.desc, a.kind, float64(a.value(activity, counts)), a.labels...)
	}
}
