/** Entry point of `capstan`. */
import { readTerminalSettings } from '../config'
import { processIo } from './io'
import { runCli } from './run'

void runCli(process.argv.slice(2), processIo(readTerminalSettings(process.env)), process.env).then((code) => {
  process.exitCode = code
})
