/** Entry point of `capstan`. */
import { processIo } from './io'
import { runCli } from './run'

void runCli(process.argv.slice(2), processIo(process.env), process.env).then((code) => {
  process.exitCode = code
})
