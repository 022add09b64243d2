/** Runs a program to its end; its output is shown only when it fails. */
'use strict'
const { spawn } = require('node:child_process')

/** Resolves to `{ code, output }`; never rejects for a failing program. `show` passes its output through as it comes. */
function run(command, args, { cwd, env, show = false }) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, env: env ?? process.env, stdio: show ? 'inherit' : ['ignore', 'pipe', 'pipe'] })
    const parts = []
    child.stdout?.on('data', (part) => parts.push(part))
    child.stderr?.on('data', (part) => parts.push(part))
    child.once('error', (error) => resolve({ code: 127, output: String(error.message) }))
    child.once('close', (code) => resolve({ code: code ?? 1, output: Buffer.concat(parts).toString('utf8') }))
  })
}

module.exports = { run }
