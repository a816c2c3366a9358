#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A date and a time of day in UTC in the Gregorian calendar, converted to seconds and back without a formatter.
struct CivilTime: Equatable {
    var year: Int
    var month: Int
    var day: Int
    var hour: Int
    var minute: Int
    var second: Int

    /// Whole seconds since 1970; `nil` when there is no such day or time. Second 60, a leap second, counts as the first
    /// second of the next minute.
    var secondsSince1970: Int? {
        guard month >= 1, month <= 12, day >= 1, day <= Self.days(in: month, of: year), hour >= 0, hour <= 23,
            minute >= 0, minute <= 59, second >= 0, second <= 60
        else { return nil }
        return Self.daysSince1970(year: year, month: month, day: day) * 86_400 + hour * 3600 + minute * 60 + second
    }

    var date: Date? { secondsSince1970.map { Date(timeIntervalSince1970: Double($0)) } }

    /// Days since 1970. Years begin in March, so that the leap day is their last, and are counted within eras of 400
    /// years, which all have the same number of days.
    private static func daysSince1970(year: Int, month: Int, day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let yearOfEra = modulo(year, 400)
        let era = (year - yearOfEra) / 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func days(in month: Int, of year: Int) -> Int {
        switch month {
        case 2: return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: return 30
        default: return 31
        }
    }

    fileprivate static func modulo(_ value: Int, _ divisor: Int) -> Int {
        let remainder = value % divisor
        return remainder < 0 ? remainder + divisor : remainder
    }
}

extension CivilTime {
    /// The time `seconds` after the beginning of 1970.
    init(secondsSince1970 seconds: Int) {
        let days = (seconds - Self.modulo(seconds, 86_400)) / 86_400
        let time = Self.modulo(seconds, 86_400)
        hour = time / 3600
        minute = time / 60 % 60
        second = time % 60
        // The reverse of `daysSince1970`.
        let shifted = days + 719_468
        let era = (shifted - Self.modulo(shifted, 146_097)) / 146_097
        let dayOfEra = Self.modulo(shifted, 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }
}
