/** The fault matrix and the bank begin before all else: their files are short to read and long to run, and Jest, which begins with the largest file, would leave one
 *  processor idle while the other ends the last of them. In plain JavaScript, since Jest loads sequencers as they are. */
module.exports = class LongestFirst {
  sort(tests) {
    const first = ({ path }) => (/\/test\/(crash|bank)\//.test(path) ? 0 : 1)
    const size = ({ context, path }) => context.hasteFS.getSize(path) ?? 0
    return [...tests].sort((a, b) => first(a) - first(b) || size(b) - size(a))
  }

  shard(tests) {
    return tests
  }

  allFailedTests(tests) {
    return tests
  }

  cacheResults() {}
}
