/** Ends a run of the matrix with its figures: cells, time for one, violations. In plain JavaScript, since Jest loads reporters as they are. */
module.exports = class MatrixReporter {
  onRunComplete(_contexts, { testResults }) {
    const cells = testResults
      .filter(({ testFilePath }) => testFilePath.includes('/test/crash/'))
      .flatMap((file) => file.testResults)
      .filter(({ status }) => status === 'passed' || status === 'failed')
    if (cells.length === 0) return
    const seconds = cells.map(({ duration }) => (duration ?? 0) / 1000).sort((a, b) => a - b)
    const at = (share) => seconds[Math.min(seconds.length - 1, Math.floor(share * seconds.length))].toFixed(1)
    const violations = cells.filter(({ status }) => status === 'failed').length
    process.stdout.write(
      `\nfault matrix: ${cells.length} cells, median ${at(0.5)} s, 95th percentile ${at(0.95)} s, longest ${at(1)} s, ` +
        `${violations} with violations\n`,
    )
  }
}
