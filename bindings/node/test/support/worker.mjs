// What the tests of threads and processes run elsewhere: `node worker.mjs JOB BUS`, or a worker.
import { isMainThread, parentPort, workerData } from 'node:worker_threads'

import { Producer } from 'orbus'

const [job, bus] = isMainThread ? process.argv.slice(2) : workerData
const say = (message) => (isMainThread ? process.send?.(message) : parentPort.postMessage(message))

const jobs = {
  /** Holds a lane, with a request under way, until it is ended from outside. */
  hold() {
    new Producer({ bot: 'worker', bus }).request({ model: 'under way' })
    say('holding')
    setInterval(() => {}, 1000)
  },

  /** Publishes and ends by itself: nothing of orbus's keeps it. */
  publish() {
    const producer = new Producer({ bot: `worker ${process.pid}`, bus })
    producer.request({ model: 'm' }).end()
    say('published')
    if (isMainThread) process.disconnect?.()
  },

  /** 100,000 samples as fast as they go; then, when told to, as many requests as no lane loses. */
  flood() {
    const producer = new Producer({ bot: `flood ${process.pid}`, bus })
    for (let n = 0; n < 100000; n++) producer.count('messages_processed')
    say(producer.dropped)
    process.once('message', () => {
      for (let n = 0; n < 500; n++) producer.request({ model: 'm' }).usage({ completionTokens: 2 }).end()
      process.disconnect()
    })
  },
}

if (isMainThread) process.on('disconnect', () => process.exit())
jobs[job]()
