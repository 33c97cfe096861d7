#pragma once
// For tests: recordings written by hand, field by field, independent of the encoder.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/formats/edf/bytes.h"

namespace formats::edf {

/// One signal of HandWritten, every field as text.
struct HandSignal {
  std::string label = "EEG Fz";
  std::string transducer = "AgAgCl";
  std::string dimension = "uV";
  std::string physical_min = "-100";
  std::string physical_max = "100";
  std::string digital_min = "-100";
  std::string digital_max = "100";
  std::string prefiltering = "HP:0.1Hz";
  std::string samples = "4";
  std::string reserved;
};

/// Every field of a header as text, to be broken one at a time.
struct HandWritten {
  std::string version = "0";
  std::string patient = "X X X X";
  std::string recording = "Startdate X X X X";
  std::string date = "21.11.26";
  std::string time = "13.14.15";
  std::string header_size;  ///< empty: the right one
  std::string reserved;
  std::string records = "1";
  std::string duration = "1";
  std::string signal_count;  ///< empty: the right one
  std::vector<HandSignal> signals = {HandSignal{}};
  std::string body = std::string("\x01\x00\xff\xff\x64\x00\x9c\xff", 8);  // 1, -1, 100, -100

  std::string Text() const {
    std::string out;
    const auto put = [&](std::string_view text, size_t width) {
      out += text;
      out.append(width - text.size(), ' ');
    };
    put(version, 8);
    put(patient, 80);
    put(recording, 80);
    put(date, 8);
    put(time, 8);
    put(header_size.empty() ? std::to_string(256 * (1 + signals.size())) : header_size, 8);
    put(reserved, 44);
    put(records, 8);
    put(duration, 8);
    put(signal_count.empty() ? std::to_string(signals.size()) : signal_count, 4);
    for (const HandSignal& s : signals) put(s.label, 16);
    for (const HandSignal& s : signals) put(s.transducer, 80);
    for (const HandSignal& s : signals) put(s.dimension, 8);
    for (const HandSignal& s : signals) put(s.physical_min, 8);
    for (const HandSignal& s : signals) put(s.physical_max, 8);
    for (const HandSignal& s : signals) put(s.digital_min, 8);
    for (const HandSignal& s : signals) put(s.digital_max, 8);
    for (const HandSignal& s : signals) put(s.prefiltering, 80);
    for (const HandSignal& s : signals) put(s.samples, 8);
    for (const HandSignal& s : signals) put(s.reserved, 32);
    return out + body;
  }
  std::unique_ptr<ByteSource> Source() const { return SourceOf(Text()); }

  static std::unique_ptr<ByteSource> SourceOf(const std::string& text) {
    return std::make_unique<MemorySource>(std::vector<uint8_t>(text.begin(), text.end()));
  }
};

}  // namespace formats::edf
