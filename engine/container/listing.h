// SPDX-License-Identifier: Apache-2.0
// Listing: what containers a runtime says it has. Made by the sources, compared by SessionSource.
#pragma once

#include <string>
#include <vector>

namespace nsw::container {

struct Listing {
  struct Item {
    std::string id;
    std::string mark;  ///< something happened to it if this is another than last time
  };
  std::vector<Item> items;
  bool complete = true;  ///< false: what is not in it may still be there
};

}  // namespace nsw::container
