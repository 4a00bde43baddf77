// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/corpus.h"

#include <cerrno>
#include <cstring>
#include <fstream>

namespace nsw::bench {

void Corpus::Append(Record record) {
  words_.push_back(record.size());
  const size_t at = words_.size();
  words_.resize(at + Words(record.size()));
  std::memcpy(words_.data() + at, record.data(), record.size());
  records_++;
}

Status Corpus::Write(const std::filesystem::path& path) const {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(words_.data()), static_cast<std::streamsize>(bytes()));
  file.close();
  return file ? Status() : FailErrno(path.string(), errno);
}

Result<Corpus> Corpus::Read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return FailErrno(path.string(), errno);
  Corpus corpus;
  corpus.words_.resize(static_cast<size_t>(file.tellg()) / sizeof(uint64_t));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(corpus.words_.data()),
            static_cast<std::streamsize>(corpus.bytes()));
  if (!file) return FailErrno(path.string(), errno);
  for (size_t at = 0; at < corpus.words_.size(); corpus.records_++) {
    const size_t left = corpus.words_.size() - at - 1;
    if (Words(corpus.words_[at]) > left) return Fail(path.string() + " is cut off");
    at += 1 + Words(corpus.words_[at]);
  }
  return corpus;
}

}  // namespace nsw::bench
