"""Dates of images: numbers, days and times as they are written."""

from datetime import datetime, timedelta, timezone

import pytest

from skwater.datasets._image_dates import as_local, parse_time

EAST = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("7", 7.0),
        ("-1.5", -1.5),
        ("2024-05-30", datetime(2024, 5, 30)),
        ("20240530", datetime(2024, 5, 30)),
        ("2024-05-30T14:05", datetime(2024, 5, 30, 14, 5)),
        ("2024-05-30 14:05:06", datetime(2024, 5, 30, 14, 5, 6)),
        ("20240530_140506", datetime(2024, 5, 30, 14, 5, 6)),  # a phone's, and no number
        (
            "2024-05-30T14:05+02:00",
            datetime(2024, 5, 30, 14, 5, tzinfo=EAST),
        ),
    ],
)
def test_dates(text, time):
    assert parse_time(text) == time


@pytest.mark.parametrize("text", ["", "nan", "inf", "30.05.2024", "2024-02-30", "20241399", "May"])
def test_what_is_no_date(text):
    with pytest.raises(ValueError):  # noqa: PT011  # the caller words it
        parse_time(text)


def test_d11_days_are_those_of_the_time_zone():
    early, late = (parse_time(f"2024-05-30T{hour}:00+10:00") for hour in ("09", "11"))
    assert early.date() == late.date()
    assert as_local(early) == datetime(2024, 5, 30, 9)


@pytest.mark.parametrize("text", ["240530", "300524", "30052024", "202405301405", "20240530140506"])
def test_d12_compact_dates_are_no_numbers(text):
    with pytest.raises(ValueError, match=rf"'{text}' may be a number or a date: .*date_format"):
        parse_time(text)
    assert parse_time(f"{text}.0") == float(text)


def test_d12_compact_dates_by_their_format():
    assert parse_time("240530", "%y%m%d") == datetime(2024, 5, 30)


@pytest.mark.parametrize("text", ["0", "1713", "999999", "123456789"])
def test_d12_numbers_stay_numbers(text):
    assert parse_time(text) == float(text)


@pytest.mark.parametrize(
    ("text", "date_format"), [("30/05/2018", "%d/%m/%Y"), ("30 May 2018", "%d %B %Y")]
)
def test_n10_dates_of_another_format(text, date_format):
    assert parse_time(text, date_format) == datetime(2018, 5, 30)
    with pytest.raises(ValueError, match=r"is no date: an ISO.*date_format, such as '%d/%m/%Y'"):
        parse_time(text)
    with pytest.raises(ValueError, match="'7' is no date of the format"):
        parse_time("7", date_format)
