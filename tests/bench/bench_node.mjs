// What it costs a Node program to record one request: orbus, prom-client, OpenTelemetry's SDK, statsd.
// By turns, in one process; a line of JSON each. Run by bench_bindings.
//
//   node bench_node.mjs ORBUS_PACKAGE PEERS
import { createSocket } from 'node:dgram'
import { readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'

const [orbusFolder, peersFolder] = process.argv.slice(2).map((folder) => resolve(folder))
const ofPeers = createRequire(join(peersFolder, 'index.js'))
const entry = JSON.parse(readFileSync(join(orbusFolder, 'package.json'), 'utf8')).main ?? 'index.js'
const { Producer } = createRequire(import.meta.url)(join(orbusFolder, entry))
const prometheus = ofPeers('prom-client')
const telemetry = ofPeers('@opentelemetry/sdk-metrics')
const { StatsD } = ofPeers('hot-shots')

const ROUNDS = 31
const BATCH = 2000
const MODEL = 'openai/gpt-4o-mini'
const bus = `orbus-bench-${process.pid}`

function orbus() {
  const producer = new Producer({ bot: 'acore', bus })
  return () =>
    producer.request({ model: MODEL, stream: true }).firstToken()
      .usage({ promptTokens: 225, completionTokens: 287 }).end()
}

function promClient() {
  const histogram = (name) => new prometheus.Histogram({ name, help: name, labelNames: ['model'] })
  const counter = (name) => new prometheus.Counter({ name, help: name, labelNames: ['model'] })
  const [ttft, duration] = [histogram('ttft_seconds'), histogram('response_seconds')]
  const [prompt, completion] = [counter('prompt'), counter('completion')]
  const labels = { model: MODEL }
  return () => {
    const start = performance.now()
    ttft.observe(labels, (performance.now() - start) / 1000)
    duration.observe(labels, (performance.now() - start) / 1000)
    prompt.inc(labels, 225)
    completion.inc(labels, 287)
  }
}

function openTelemetry() {
  const exporter = new telemetry.InMemoryMetricExporter(telemetry.AggregationTemporality.CUMULATIVE)
  const reader = new telemetry.PeriodicExportingMetricReader({ exporter })
  const meter = new telemetry.MeterProvider({ readers: [reader] }).getMeter('bench')
  const [ttft, duration] = [meter.createHistogram('ttft'), meter.createHistogram('duration')]
  const tokens = meter.createCounter('tokens')
  const attributes = { 'gen_ai.request.model': MODEL }
  const input = { ...attributes, 'gen_ai.token.type': 'input' }
  const output = { ...attributes, 'gen_ai.token.type': 'output' }
  return () => {
    const start = performance.now()
    ttft.record((performance.now() - start) / 1000, attributes)
    duration.record((performance.now() - start) / 1000, attributes)
    tokens.add(225, input)
    tokens.add(287, output)
  }
}

// Its own buffer makes packets of up to 1,400 bytes.
function statsd(port) {
  const client = new StatsD({ host: '127.0.0.1', port, maxBufferSize: 1400 })
  return () => {
    const start = performance.now()
    client.timing('gpt.ttft', performance.now() - start)
    client.timing('gpt.response', performance.now() - start)
    client.increment('gpt.prompt', 225)
    client.increment('gpt.completion', 287)
  }
}

const receiver = createSocket('udp4')
await new Promise((bound) => receiver.bind(0, '127.0.0.1', bound))
const peers = [
  ['orbus', orbus()],
  ['prom-client', promClient()],
  ['OpenTelemetry SDK', openTelemetry()],
  ['statsd, hot-shots', statsd(receiver.address().port)],
].map(([peer, tell]) => ({ peer, tell, times: [] }))

for (let round = 0; round < ROUNDS; round++)
  for (const { tell, times } of peers) {
    const start = process.hrtime.bigint()
    for (let n = 0; n < BATCH; n++) tell()
    // Sending in the background is part of the cost.
    await new Promise(setImmediate)
    times.push(Number(process.hrtime.bigint() - start) / BATCH)
  }
for (const { peer, times } of peers)
  console.log(JSON.stringify({ peer, ns: times.sort((a, b) => a - b)[ROUNDS >> 1] }))
for (const suffix of ['', '.lanes']) rmSync(`/dev/shm/${bus}${suffix}`, { force: true })
process.exit(0)
