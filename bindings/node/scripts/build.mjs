// build.mjs: compiles the addon into build/orbus.node, with CMake and the C compiler. Downloads
// nothing. Runs when the package is installed; by hand: node scripts/build.mjs
//
// Options for CMake, such as -DORBUS_SANITIZE=address,undefined, may follow.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const packages = 'cmake ninja-build gcc libc6-dev pkg-config libmsgpack-dev libjansson-dev libxxhash-dev'

function giveUp(reason, more) {
  console.error(`orbus: the addon cannot be built: ${reason}\n${more}`)
  process.exit(1)
}

// node_api.h comes with the package node-api-headers, and with most installations of Node itself.
function findHeaders() {
  try {
    return createRequire(import.meta.url)('node-api-headers').include_dir
  } catch {
    return path.resolve(path.dirname(process.execPath), '..', 'include', 'node')
  }
}

function run(command, ...options) {
  const done = spawnSync(command, options, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' })
  if (done.error) giveUp(`${command}: ${done.error.message}`, `It needs, on Debian: ${packages}`)
  if (done.status !== 0) giveUp(`${command} failed`, `${done.stdout}${done.stderr}\nIt needs, on Debian: ${packages}`)
}

const headers = findHeaders()
if (!existsSync(path.join(headers, 'node_api.h'))) {
  giveUp('node_api.h is not to be found', `"npm install --omit=dev" in ${root} brings it.`)
}
// CMake would look for make; a folder that was configured before keeps its own.
const hasNinja = spawnSync('ninja', ['--version']).status === 0
const generator = hasNinja && !existsSync(path.join(root, 'build/CMakeCache.txt')) ? ['-G', 'Ninja'] : []

run('cmake', '-S', '.', '-B', 'build', ...generator, `-DNODE_API_INCLUDE_DIR=${headers}`, ...process.argv.slice(2))
run('cmake', '--build', 'build', '--parallel', String(availableParallelism()))
