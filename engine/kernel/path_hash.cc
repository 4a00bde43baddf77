// SPDX-License-Identifier: Apache-2.0
#include "engine/kernel/path_hash.h"

#include <algorithm>
#include <cstring>

#include "bpf/abi.h"

namespace nsw::kernel {

uint64_t NameHash(std::string_view name, uint64_t seed) {
  if (name.size() > 255) return 0;
  uint64_t hash = seed ^ name.size();
  for (size_t at = 0; at < name.size(); at += 8) {
    uint64_t word = 0;
    std::memcpy(&word, name.data() + at, std::min<size_t>(8, name.size() - at));
    hash = nsw_hash_word(hash, word);
  }
  return hash;
}

namespace {

PathHash Extend(PathHash result, std::string_view path, uint64_t seed, uint32_t hole) {
  while (!path.empty()) {
    const size_t end = std::min(path.find('/'), path.size());
    if (const std::string_view name = path.substr(0, end); !name.empty()) {
      result.hash = result.hash * NSW_FOLD + (result.depth == hole ? 0 : NameHash(name, seed));
      ++result.depth;
    }
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return result;
}

}  // namespace

PathHash HashPath(std::string_view path, uint64_t seed, uint32_t hole) {
  return Extend({}, path, seed, hole);
}

PathHash HashBelow(PathHash above, std::string_view rest, uint64_t seed) {
  return Extend(above, rest, seed, kNoHole);
}

}  // namespace nsw::kernel
