/** A file that an option names. */
import { writeFile } from 'node:fs/promises'
import { failure } from '../../contracts/failures'

/** Fails with OPTION_INVALID where it cannot be written. */
export async function writeNamedFile(option: string, file: string, text: string): Promise<void> {
  await writeFile(file, text).catch((error: NodeJS.ErrnoException) => {
    const message = `${file} cannot be written (${error.code ?? error.message}); name another file with ${option}.`
    throw failure('OPTION_INVALID', message, { option, file })
  })
}
