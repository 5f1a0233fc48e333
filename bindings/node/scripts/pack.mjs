// pack.mjs: what `npm pack` takes along: orbus's C sources, copied into native/, and the licence.
// They are compiled where the package is installed. With --clean, removes the copies.
import { cpSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('..', import.meta.url))
const clone = path.resolve(here, '..', '..')
const native = path.join(here, 'native')

rmSync(native, { recursive: true, force: true })
rmSync(path.join(here, 'LICENSE'), { force: true })
if (process.argv[2] !== '--clean') {
  for (const folder of ['libbus', 'bindings/llm']) {
    for (const name of readdirSync(path.join(clone, folder), { recursive: true })) {
      if (/\.([ch]|def)$/.test(name)) cpSync(path.join(clone, folder, name), path.join(native, folder, name))
    }
  }
  cpSync(path.join(clone, 'LICENSE'), path.join(here, 'LICENSE'))
}
