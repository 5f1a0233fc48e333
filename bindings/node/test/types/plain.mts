// A program of target es2022 that has no types but the package's.
import { Producer } from 'orbus'

const bus = new Producer({ bot: 'acore' })
const done: boolean = bus.request({ model: 'openai/gpt-4' }).firstToken().end()
if (!done) bus.close()
