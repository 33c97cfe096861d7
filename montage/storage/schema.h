#pragma once
// The tables of Montage. Every time is an integer: nanoseconds since the Unix epoch, UTC.

#include <span>

#include "montage/storage/migrator.h"

namespace montage::storage {

std::span<const Migration> Migrations();

}  // namespace montage::storage
