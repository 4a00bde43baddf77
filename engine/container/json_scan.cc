// SPDX-License-Identifier: Apache-2.0
#include "engine/container/json_scan.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <vector>

namespace nsw::container {
namespace {

using nlohmann::json;

constexpr size_t kDepthMax = 8;
// A text with more than this is made to cost time; no runtime writes one.
constexpr size_t kDepthLimit = 64;
constexpr size_t kValuesLimit = 2'000'000;

class Scanner final : public nlohmann::json_sax<json> {
 public:
  explicit Scanner(const JsonVisit& visit) : visit_(visit) {}

  bool null() override { return Visit({}); }
  bool boolean(bool value) override { return Visit({JsonScalar::Kind::kBool, value ? 1 : 0}); }
  bool number_integer(number_integer_t value) override { return Number(value); }
  bool number_unsigned(number_unsigned_t value) override {
    constexpr auto kMax = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
    return Number(static_cast<int64_t>(std::min<uint64_t>(value, kMax)));
  }
  bool number_float(number_float_t value, const string_t&) override {
    return Number(value > -1e18 && value < 1e18 ? static_cast<int64_t>(value) : 0);
  }
  bool string(string_t& value) override { return Visit({JsonScalar::Kind::kText, 0, value}); }
  bool binary(binary_t&) override { return true; }

  bool start_object(std::size_t) override { return Enter(); }
  bool end_object() override { return Leave(); }
  bool start_array(std::size_t) override { return Enter(); }
  bool end_array() override { return Leave(); }
  bool key(string_t& value) override {
    if (depth_ <= kDepthMax) path_.back() = std::move(value);
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const json::exception&) override {
    return false;
  }

 private:
  bool Enter() {
    if (++depth_ <= kDepthMax) path_.emplace_back();
    return depth_ <= kDepthLimit;
  }
  bool Leave() {
    if (depth_-- <= kDepthMax) path_.pop_back();
    return true;
  }
  bool Number(int64_t value) { return Visit({JsonScalar::Kind::kNumber, value}); }
  bool Visit(const JsonScalar& value) {
    if (depth_ <= kDepthMax) visit_(path_, value);
    return ++values_ <= kValuesLimit;
  }

  const JsonVisit& visit_;
  size_t depth_ = 0;
  size_t values_ = 0;
  std::vector<std::string> path_;
};

}  // namespace

bool ScanJson(std::string_view text, const JsonVisit& visit) {
  Scanner scanner(visit);
  return json::sax_parse(text.begin(), text.end(), &scanner);
}

}  // namespace nsw::container
