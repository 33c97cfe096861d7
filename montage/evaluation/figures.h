#pragma once
// Tables of figures with intervals, and how they are shown.

#include <optional>
#include <string>
#include <vector>

#include <boost/json/fwd.hpp>

#include "montage/evaluation/statistics/intervals.h"

namespace montage::evaluation {

struct Figure {
  std::string subject = {};  ///< what it is about: `seizure`, `N2`
  std::string measure = {};  ///< `sensitivity`, `kappa`
  double value = 0;          ///< NaN: could not be had
  Interval interval = {};    ///< 95 %; both NaN: none
  std::string basis = {};    ///< `37 of 40 events`
  std::optional<double> bar = {};

  /// A bar that is not reached, also by a value that could not be had.
  bool Missed() const { return bar && !(value >= *bar); }
};

struct FigureTable {
  std::string title = {};
  std::vector<Figure> figures = {};
  std::vector<std::vector<std::string>> matrix = {};  ///< more counts; its first row is the heading
  std::vector<std::string> notes = {};

  /// A share with Wilson's interval; "k of n `things`".
  void AddShare(std::string subject, std::string measure, Count count, std::string_view things,
                std::optional<double> bar = {});
  bool Missed() const;
};

/// `0.957`; `-` for NaN.
std::string ShowValue(double value);
/// `0.91 to 0.98`; empty without an interval.
std::string ShowInterval(const Interval& interval);
/// Heading and rows: subject, measure, value, interval, basis, and bar when any has one.
std::vector<std::vector<std::string>> ToRows(const FigureTable& table);
/// The same, the matrix and the notes as Markdown under a heading of level 3.
std::string ToMarkdown(const FigureTable& table);
boost::json::object ToJson(const FigureTable& table);

}  // namespace montage::evaluation
