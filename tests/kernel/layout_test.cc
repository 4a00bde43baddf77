// SPDX-License-Identifier: Apache-2.0
#include "engine/kernel/layout.h"

#include <gtest/gtest.h>

#include <array>

#include "enforce.skel.h"

namespace nsw::kernel {
namespace {

class LayoutTest : public testing::Test {
 protected:
  ~LayoutTest() override { enforce__destroy(object_); }
  template <size_t Maps, size_t Structs>
  std::string Of(const std::array<const char*, Maps>& maps,
                 const std::array<const char*, Structs>& structs) {
    return LayoutOf(object_->obj, maps, structs);
  }
  enforce* object_ = enforce__open();
};

TEST_F(LayoutTest, IsTheSameForTheSame) {
  ASSERT_NE(object_, nullptr);
  const std::array maps{"homes", "labels"};
  const std::array structs{"nsw_clause"};
  EXPECT_EQ(Of(maps, structs).size(), 16U);
  EXPECT_EQ(Of(maps, structs), Of(maps, structs));
  bpf_map__set_max_entries(object_->maps.labels, 1024);
  EXPECT_EQ(Of(maps, structs), Of(maps, structs)) << "sizes are options";
}

TEST_F(LayoutTest, DependsOnWhatTheMapsHold) {
  ASSERT_NE(object_, nullptr);
  const std::array homes{"homes"};
  const std::array labels{"labels"};
  const std::array clause{"nsw_clause"};
  const std::array other{"nsw_net_key"};
  EXPECT_NE(Of(homes, clause), Of(labels, clause));
  EXPECT_NE(Of(homes, clause), Of(homes, other));
}

}  // namespace
}  // namespace nsw::kernel
