// SPDX-License-Identifier: Apache-2.0
#include "store/fold.h"

#include <sys/random.h>

#include <bit>
#include <cstring>

#include "store/describe.h"

namespace nsw::store {
namespace {

uint64_t RandomSeed() {
  uint64_t seed = 0;
  // Without it the hash is known, and somebody can crowd one set: rows fold worse, no more.
  return getrandom(&seed, sizeof seed, GRND_NONBLOCK) < 0 ? 0 : seed;
}

uint64_t Mix(uint64_t a, uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

uint64_t Hash(std::string_view bytes, uint64_t seed) {
  uint64_t h = seed ^ (bytes.size() * 0x9E3779B97F4A7C15ULL);
  while (bytes.size() >= 16) {
    uint64_t words[2];
    std::memcpy(words, bytes.data(), 16);
    h = Mix(words[0] ^ 0xA0761D6478BD642FULL ^ h, words[1] ^ 0xE7037ED1A0B428DBULL);
    bytes.remove_prefix(16);
  }
  uint64_t rest[2] = {};
  std::memcpy(rest, bytes.data(), bytes.size());
  h = Mix(rest[0] ^ 0xA0761D6478BD642FULL ^ h, rest[1] ^ 0x8EBC6AF09C88C6E3ULL);
  return Mix(h ^ seed, 0x589965CC75374CC3ULL);
}

// The numbers of the header that are part of a key. A positive result (a descriptor, a count of
// bytes) is incidental; an error is not.
struct Numbers {
  uint64_t home;
  int64_t error;
  uint32_t rule;
  uint32_t uid;
  uint32_t gid;
  uint16_t type;
  uint16_t syscall;
  uint8_t verdict;
  uint8_t flags;
  uint8_t known;  // an act from before its container was known is not one from after
  uint8_t zero[5];
};
static_assert(sizeof(Numbers) == 40, "no padding: the bytes are compared");

}  // namespace

FoldKey::FoldKey() : seed_(RandomSeed()) { bytes_.reserve(4096); }

void FoldKey::AddText(std::string_view text) {
  const auto size = static_cast<uint32_t>(text.size());  // "ab","c" is not "a","bc"
  Add(&size, sizeof size);
  Add(text.data(), text.size());
}

void FoldKey::Make(const event::Event& event, alert::Verdict verdict, const rule::RuleInfo* rule) {
  const nsw_header& h = event.header();
  const Numbers numbers{
      .home = h.home,
      .error = h.result < 0 ? h.result : 0,
      .rule = rule == nullptr ? 0 : rule->id,
      .uid = h.uid,
      .gid = h.gid,
      .type = h.type,
      .syscall = h.syscall,
      .verdict = static_cast<uint8_t>(verdict),
      .flags = h.flags,
      .known = static_cast<uint8_t>(event.binding != nullptr && event.binding->container.known()),
      .zero = {},
  };
  bytes_.clear();
  Add(&numbers, sizeof numbers);
  const KeyLayout& layout = LayoutOf(event.type());
  for (const auto& range : layout.numbers) Add(event.record().data() + range.offset, range.size);
  for (const uint8_t text : layout.texts) AddText(event.text(text));
  if (event.process != nullptr) {
    AddText(event.process->exepath);
    AddText(event.process->name);
  } else {
    AddText({h.comm, strnlen(h.comm, sizeof h.comm)});
  }
  if (const event::Process* parent = event.parent) {
    AddText(parent->exepath.empty() ? parent->name : parent->exepath);
  }
  hash_ = Hash(bytes_, seed_);
}

FoldTable::FoldTable(size_t rows)
    : mask_(std::bit_ceil(std::max<size_t>(rows, kWays) / kWays) - 1) {
  slots_.resize((mask_ + 1) * kWays);
  key_budget_ = slots_.size() * kUsualKey;
}

FoldTable::Slot* FoldTable::Find(uint64_t hash, std::string_view key) {
  Slot* const set = Set(hash);
  for (size_t i = 0; i < kWays; i++) {
    Slot& slot = set[i];
    if (slot.row == 0 || slot.hash_ != hash || slot.key_ != key) continue;
    slot.used_ = ++clock_;
    return &slot;
  }
  return nullptr;
}

FoldTable::Slot* FoldTable::Claim(uint64_t hash, std::string_view key) {
  Slot* const set = Set(hash);
  Slot* oldest = set;
  for (size_t i = 1; i < kWays; i++) {
    if (set[i].used_ < oldest->used_) oldest = &set[i];
  }
  const size_t size = key.size();
  if (size > kUsualKey && key_bytes_ - oldest->key_.size() + size > key_budget_) return nullptr;
  key_bytes_ += size - oldest->key_.size();
  if (oldest->key_.capacity() > kUsualKey) oldest->key_ = std::string();
  oldest->key_ = key;
  oldest->hash_ = hash;
  oldest->used_ = ++clock_;
  oldest->row = 0;
  return oldest;
}

}  // namespace nsw::store
