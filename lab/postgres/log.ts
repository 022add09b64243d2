/** What a server wrote to its log, in portions of whole lines. The file is the server's user's own, who may be hostile while we are root:
 *  it is opened as a file of his and never through a link. The administrator's sessions write no statement into it (session.ts). */
import { closeSync, fstatSync, readSync } from 'node:fs'
import { openServerFile } from '../../pgserver/server-files'
import { serverUser } from '../../pgserver/server-user'

export interface LogSize {
  bytes: number
  writtenAt: Date
}

export interface LogPortion {
  text: string
  /** Where the next portion begins. */
  next: number
  /** Of the whole log. */
  bytes: number
}

const LF = 0x0a

export function sizeOfLog(path: string): LogSize {
  return opened(path, (file) => {
    const { size, mtime } = fstatSync(file)
    return { bytes: size, writtenAt: mtime }
  })
}

/** From a byte on, at most so many bytes and lines; a line is cut only if it alone is longer. */
export function readLog(path: string, limit: { from: number; bytesMax: number; linesMax: number }): LogPortion {
  return opened(path, (file) => {
    const { size } = fstatSync(file)
    const block = blockAt(file, limit.from, limit.bytesMax)
    const atEnd = limit.from + block.length >= size
    let end = atEnd ? block.length : block.lastIndexOf(LF) + 1
    if (end === 0) end = block.length
    for (let at = 0, lines = 0; at < end && at !== -1; lines++) {
      if (lines === limit.linesMax) end = at
      const feed = block.indexOf(LF, at)
      at = feed === -1 ? -1 : feed + 1
    }
    return { text: block.subarray(0, end).toString('utf8'), next: limit.from + end, bytes: size }
  })
}

/** The last lines, as many as fit. */
export function readLogEnd(path: string, limit: { bytesMax: number; linesMax: number }): LogPortion {
  return opened(path, (file) => {
    const { size } = fstatSync(file)
    const from = Math.max(0, size - limit.bytesMax)
    const block = blockAt(file, from, limit.bytesMax)
    // a line whose beginning did not fit is left out
    let start = from === 0 ? 0 : block.indexOf(LF) + 1
    const body = block.at(-1) === LF ? block.length - 1 : block.length
    for (let at = body, lines = 0; at > start; lines++) {
      if (lines === limit.linesMax) {
        start = at + 1
        break
      }
      at = block.lastIndexOf(LF, at - 1)
    }
    return { text: block.subarray(start).toString('utf8'), next: from + block.length, bytes: size }
  })
}

function blockAt(file: number, from: number, bytesMax: number): Buffer {
  const block = Buffer.alloc(bytesMax)
  let length = 0
  for (;;) {
    const got = readSync(file, block, length, bytesMax - length, from + length)
    length += got
    if (got === 0 || length === bytesMax) return block.subarray(0, length)
  }
}

function opened<Result>(path: string, use: (file: number) => Result): Result {
  const file = openServerFile(path, serverUser())
  try {
    return use(file)
  } finally {
    closeSync(file)
  }
}
